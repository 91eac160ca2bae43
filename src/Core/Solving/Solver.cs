using Vlm.Cryptogram;
using Vlm.Engine;
using Vlm.Engine.Ort;
using Vlm.Model;
using Vlm.Package;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Solving;

/// <summary>What to find out beside the answer.</summary>
public sealed record SolveOptions
{
    /// <summary>Whether to record where the model looked for each letter; off by default.</summary>
    public bool WithAttention { get; init; }

    /// <summary>How tokens are taken; greedy by default.</summary>
    public Sampling Sampling { get; init; } = Sampling.Greedy;

    /// <summary>New tokens at most, at least 1; null (the default), or more than the package's own limit, means that limit.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Whether a reply whose layout the package promises is held to it (<see cref="ReplyGrammar"/>); true by default. False shows what the model does alone.</summary>
    public bool IsConstrained { get; init; } = true;

    /// <inheritdoc cref="GenerationOptions.Alternatives"/>
    public int Alternatives { get; init; }

    /// <inheritdoc cref="GenerationOptions.OnToken"/>
    public Action<Choice, IReadOnlyList<TokenProbability>>? OnToken { get; init; }

    /// <summary>Ends this question alone: its solution then has what was written so far, with <see cref="FinishReason.Cancelled"/>.</summary>
    public CancellationToken Stop { get; init; }
}

/// <summary>A question and how to answer it.</summary>
/// <param name="Question">The question.</param>
/// <param name="Options">How.</param>
public sealed record SolveRequest(Question Question, SolveOptions Options);

/// <summary>A model package made ready to answer: from picture and code to text and confidence.</summary>
/// <remarks>Not thread-safe: it keeps one batch's memory and uses it again. Dispose it.</remarks>
public sealed class Solver : IDisposable
{
    private readonly OnnxVlm _vlm;
    private readonly Wording _wording;
    private readonly QuestionReader _reader;
    private readonly FurtherLooks _furtherLooks;

    private Solver(ModelFolder folder, OnnxVlm vlm, Task<Tokenizer> reading)
    {
        (Folder, _vlm) = (folder, vlm);
        var pictures = ProcessorConfig.Load(Path.Combine(folder.Path, vlm.Config.ProcessorFile));
        var template = PromptTemplate.Load(Path.Combine(folder.Path, "prompt.json"));
        var tokenizer = reading.GetAwaiter().GetResult();
        int[] stopTokens = [.. vlm.Config.EosTokenIds, .. template.StopTokens.Select(tokenizer.Id)];
        _wording = new Wording(tokenizer, template, stopTokens, template.MappingLines ? new ReplyGrammar(tokenizer, tokenizer.Id(template.StopTokens[0])) : null);
        _reader = new QuestionReader(vlm, pictures, _wording);
        _furtherLooks = new FurtherLooks(_reader);
    }

    /// <summary>The package, verified.</summary>
    public ModelFolder Folder { get; }

    /// <summary>The package's tokenizer.</summary>
    public Tokenizer Tokenizer => _wording.Tokenizer;

    /// <summary>The start of every reply that is given and not generated, from its <c>&lt;think&gt;</c> on; empty when the package gives none.</summary>
    public string ReplyStart => _wording.Template.AssistantPrefix.LastIndexOf("<think>", StringComparison.Ordinal) is >= 0 and var at ? _wording.Template.AssistantPrefix[at..] : "";

    /// <summary>The most tokens that a reply can have.</summary>
    public int MaxNewTokens => _wording.Template.MaxNewTokens;

    /// <summary>Whether a token ends replies. It is no part of their text.</summary>
    public bool IsStop(int token) => _wording.StopTokens.Contains(token);

    /// <summary>Whether replies are held to their layout, so that the model decides plain letters and nothing else.</summary>
    public bool DecidesLetters => _wording.Grammar is not null;

    /// <summary>Whether the package can say where it looks.</summary>
    public bool ShowsAttention => _vlm.ShowsAttention;

    /// <summary>Verifies a package's hashes and loads it.</summary>
    /// <exception cref="ModelException">The package is missing, damaged, or not one that this program can run.</exception>
    public static Solver Open(string folder, EngineOptions? options = null)
    {
        var verified = ModelFolder.Open(folder);
        // Reading a vocabulary and loading the graphs take about as long; together they are the wait before the first answer.
        var tokenizer = Task.Run(() => Tokenizer.Load(Path.Combine(folder, "tokenizer.json")));
        var vlm = OnnxVlm.Open(folder, options);
        try
        {
            return new Solver(verified, vlm, tokenizer);
        }
        catch (Exception e)
        {
            vlm.Dispose();
            if (e is CheckpointException or InvalidDataException or FileNotFoundException) throw new ModelException(e.Message, e);
            throw;
        }
    }

    /// <summary>Answers one question.</summary>
    /// <inheritdoc cref="Solve(IReadOnlyList{Question}, SolveOptions, CancellationToken)"/>
    public Solution Solve(Question question, SolveOptions? options = null, CancellationToken cancellation = default) =>
        Solve([question], options, cancellation)[0];

    /// <summary>Answers questions as one batch; those of equal length are read together.</summary>
    /// <exception cref="PictureException">A picture cannot be used.</exception>
    /// <exception cref="PromptTooLongException">A code does not fit beside its picture.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<Solution> Solve(IReadOnlyList<Question> questions, SolveOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(questions);
        options ??= new SolveOptions();
        return Solve([.. questions.Select(question => new SolveRequest(question, options))], cancellation);
    }

    /// <summary>
    /// Answers questions of different askers as one batch, each with options of its own. Those of equal length are read together, and no answer
    /// depends on what it shares the batch with.
    /// </summary>
    /// <returns>In the order of the requests; a stopped one has what was written so far.</returns>
    /// <exception cref="PictureException">A picture cannot be used. No token was taken yet, for any of them.</exception>
    /// <exception cref="PromptTooLongException">A code does not fit beside its picture. No token was taken yet, for any of them.</exception>
    /// <exception cref="OperationCanceledException">All of it was cancelled.</exception>
    public IReadOnlyList<Solution> Solve(IReadOnlyList<SolveRequest> requests, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        if (requests.Count == 0) return [];
        var pictures = new List<EncodedPicture>();
        try
        {
            foreach (var request in requests)
            {
                cancellation.ThrowIfCancellationRequested();
                pictures.Add(_reader.Encode(request.Question.Picture));
            }

            var prompts = requests.Zip(pictures, (request, picture) => _reader.ToPrompt(request.Question.Code, picture)).ToArray();
            var generations = _reader.Generate(prompts, [.. requests.Select(_reader.Options)], cancellation);
            cancellation.ThrowIfCancellationRequested();
            _furtherLooks.Take(requests, prompts, generations, cancellation);
            cancellation.ThrowIfCancellationRequested();
            for (var i = 0; i < requests.Count; i++) Tell(requests[i].Options, generations[i]);
            return [.. Enumerable.Range(0, requests.Count).Select(i => ToSolution(requests[i].Question, pictures[i], prompts[i], generations[i]))];
        }
        finally
        {
            foreach (var picture in pictures) picture.Features.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.Dispose();
        _vlm.Dispose();
    }

    /// <summary>A reply that further looks may still change is told when it is final.</summary>
    private void Tell(SolveOptions options, Generation generation)
    {
        if (options.OnToken is not { } tell || !_reader.IsHeld(options)) return;
        for (var i = 0; i < generation.Choices.Count; i++) tell(generation.Choices[i], options.Alternatives > 0 ? generation.Alternatives[i] : []);
    }

    /// <summary>Letters that were decided leave the answer's own tokens no choice, so that their probabilities say nothing.</summary>
    private static double? Confidence(Generation generation, ReplyTokens tokens) =>
        generation.Decided.Count > 0 ? Math.Exp(generation.Decided.Sum(letter => letter.LogProbability)) : tokens.AnswerProbability();

    private Solution ToSolution(Question question, EncodedPicture picture, Prompt prompt, Generation generation)
    {
        var tokens = new ReplyTokens(_wording.Tokenizer, generation);
        var reply = ReplyParser.Parse(tokens.Text);
        return new Solution
        {
            Question = question,
            Text = tokens.Text,
            Reply = reply,
            RawConfidence = reply is ReplyResult.Reply ? Confidence(generation, tokens) : null,
            Generation = generation,
            Fields = tokens.Fields(),
            Grid = picture.Features.Grid,
            PatchSize = _reader.Pictures.PatchSize,
            PromptTokens = prompt.Ids.Length,
            PictureTokens = picture.Features.Tokens,
            Timings = new SolveTimings(question.Decoding, picture.CutTime, picture.VisionTime, generation.Timings.Prefill, generation.Timings.Decode),
            Letters = tokens.Letters(),
        };
    }
}
