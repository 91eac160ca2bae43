using System.Diagnostics;
using Vlm.Answers;
using Vlm.Model;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Inference;

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
    private readonly PictureConfig _pictures;
    private readonly Tokenizer _tokenizer;
    private readonly PromptTemplate _template;
    private readonly int[] _stopTokens;
    private readonly ReplyGrammar? _grammar;
    private IDecoder? _decoder;

    private Solver(ModelFolder folder, OnnxVlm vlm, Task<Tokenizer> tokenizer)
    {
        (Folder, _vlm) = (folder, vlm);
        _pictures = ProcessorConfig.Load(Path.Combine(folder.Path, vlm.Config.ProcessorFile));
        _template = PromptTemplate.Load(Path.Combine(folder.Path, "prompt.json"));
        _tokenizer = tokenizer.GetAwaiter().GetResult();
        _stopTokens = [.. vlm.Config.EosTokenIds, .. _template.StopTokens.Select(_tokenizer.Id)];
        _grammar = _template.MappingLines ? new ReplyGrammar(_tokenizer, _tokenizer.Id(_template.StopTokens[0])) : null;
    }

    /// <summary>The package, verified.</summary>
    public ModelFolder Folder { get; }

    /// <summary>The package's tokenizer.</summary>
    public Tokenizer Tokenizer => _tokenizer;

    /// <summary>The start of every reply that is given and not generated, from its <c>&lt;think&gt;</c> on; empty when the package gives none.</summary>
    public string ReplyStart => _template.AssistantPrefix.LastIndexOf("<think>", StringComparison.Ordinal) is >= 0 and var at ? _template.AssistantPrefix[at..] : "";

    /// <summary>The most tokens that a reply can have.</summary>
    public int MaxNewTokens => _template.MaxNewTokens;

    /// <summary>Whether a token ends replies. It is no part of their text.</summary>
    public bool IsStop(int token) => _stopTokens.Contains(token);

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
                pictures.Add(Encode(request.Question.Picture));
            }

            var prompts = requests.Zip(pictures, (request, picture) => ToPrompt(request.Question, picture)).ToArray();
            var generations = Generate(prompts, [.. requests.Select(Generation)], cancellation);
            cancellation.ThrowIfCancellationRequested();
            LookAgain(requests, prompts, generations, cancellation);
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
        _decoder?.Dispose();
        _vlm.Dispose();
    }

    /// <summary>
    /// Where letters are still unsure, the picture is read once more, a little moved, and the letters are decided from both looks; a reply that this changes is written anew.
    /// </summary>
    private void LookAgain(IReadOnlyList<SolveRequest> requests, Prompt[] prompts, Generation[] generations, CancellationToken cancellation)
    {
        int[] open = [.. Enumerable.Range(0, requests.Count).Where(i => generations[i].Finish == FinishReason.EndOfText && LetterDecision.IsOpen(generations[i].Decided))];
        if (open.Length == 0) return;
        var looks = SecondLooks([.. open.Select(i => requests[i])], cancellation);
        var changed = new List<(int Row, ReplyState Reply)>();
        for (var k = 0; k < open.Length; k++)
        {
            var (row, look) = (open[k], looks[k]);
            if (look.Finish != FinishReason.EndOfText) continue;
            var code = requests[row].Question.Code;
            var together = LetterDecision.Together(generations[row].Beliefs, look.Beliefs);
            var letters = LetterDecision.Decide(together).Where(letter => code.Contains(letter.Coded, StringComparison.Ordinal)).ToArray();
            var plain = letters.ToDictionary(letter => letter.Coded, letter => letter.Plain);
            if (generations[row].Decided.Any(letter => plain[letter.Coded] != letter.Plain)) changed.Add((row, _grammar!.Start(code).With(plain)));
            generations[row] = generations[row] with
            {
                Decided = letters,
                SecondLookAgrees = look.Decided.All(letter => plain[letter.Coded] == letter.Plain),
                Timings = generations[row].Timings.And(look.Timings),
            };
        }

        if (changed.Count == 0) return;
        var anew = Generate([.. changed.Select(item => prompts[item.Row])], [.. changed.Select(item => Generation(requests[item.Row]) with { Reply = item.Reply })], cancellation);
        for (var k = 0; k < changed.Count; k++)
        {
            var before = generations[changed[k].Row];
            generations[changed[k].Row] = anew[k] with
            {
                Decided = before.Decided,
                Beliefs = before.Beliefs,
                SecondLookAgrees = before.SecondLookAgrees,
                Timings = before.Timings.And(anew[k].Timings),
            };
        }
    }

    private Generation[] SecondLooks(IReadOnlyList<SolveRequest> requests, CancellationToken cancellation)
    {
        var pictures = new List<EncodedPicture>();
        try
        {
            foreach (var request in requests) pictures.Add(Encode(SecondLook.At(request.Question.Picture)));
            var looks = Generate([.. requests.Zip(pictures, (request, picture) => ToPrompt(request.Question, picture))], [.. requests.Select(Generation)], cancellation);
            return [.. looks.Zip(pictures, (look, picture) => look with { Timings = look.Timings.And(new GenerationTimings(picture.CutTime + picture.VisionTime, default)) })];
        }
        finally
        {
            foreach (var picture in pictures) picture.Features.Dispose();
        }
    }

    /// <summary>A reply that may still be changed by a second look is told when it is final.</summary>
    private void Tell(SolveOptions options, Generation generation)
    {
        if (options.OnToken is not { } tell || !IsHeld(options)) return;
        for (var i = 0; i < generation.Choices.Count; i++) tell(generation.Choices[i], options.Alternatives > 0 ? generation.Alternatives[i] : []);
    }

    private bool IsHeld(SolveOptions options) => options.IsConstrained && _grammar is not null;

    /// <summary>The decoder reads neighbours of equal length in one run, so equal lengths become neighbours.</summary>
    private Generation[] Generate(Prompt[] prompts, GenerationOptions[] options, CancellationToken cancellation)
    {
        int[] order = [.. Enumerable.Range(0, prompts.Length).OrderBy(i => prompts[i].Ids.Length)];
        var generations = Generator.Generate(Decoder(prompts.Length), [.. order.Select(i => prompts[i])], [.. order.Select(i => options[i])], cancellation);
        var result = new Generation[prompts.Length];
        for (var row = 0; row < order.Length; row++) result[order[row]] = generations[row];
        return result;
    }

    private EncodedPicture Encode(RgbImage image)
    {
        var start = Stopwatch.GetTimestamp();
        var patches = Patches.From(image, _pictures);
        var cut = Stopwatch.GetElapsedTime(start);
        start = Stopwatch.GetTimestamp();
        return new EncodedPicture(_vlm.Encode(patches), cut, Stopwatch.GetElapsedTime(start));
    }

    private Prompt ToPrompt(Question question, EncodedPicture picture) =>
        Prompt.For(_tokenizer.Encode(_template.Text(question.Code, picture.Features.Tokens)), [picture.Features], _vlm.Config);

    private GenerationOptions Generation(SolveRequest request) => Generation(request.Question, request.Options);

    private GenerationOptions Generation(Question question, SolveOptions options) => new()
    {
        MaxTokens = Math.Min(options.MaxTokens ?? int.MaxValue, _template.MaxNewTokens),
        StopTokens = _stopTokens,
        Sampling = options.Sampling,
        Reply = options.IsConstrained ? _grammar?.Start(question.Code) : null,
        WithAttention = options.WithAttention,
        Alternatives = options.Alternatives,
        OnToken = IsHeld(options) ? null : options.OnToken,
        Stop = options.Stop,
    };

    private Solution ToSolution(Question question, EncodedPicture picture, Prompt prompt, Generation generation)
    {
        var tokens = new ReplyTokens(_tokenizer, generation);
        var reply = ReplyParser.Parse(tokens.Text);
        return new Solution
        {
            Question = question,
            Text = tokens.Text,
            Reply = reply,
            RawConfidence = reply is ReplyResult.Reply ? tokens.AnswerProbability() : null,
            Generation = generation,
            Fields = tokens.Fields(),
            Grid = picture.Features.Grid,
            PatchSize = _pictures.PatchSize,
            PromptTokens = prompt.Ids.Length,
            PictureTokens = picture.Features.Tokens,
            Timings = new SolveTimings(question.Decoding, picture.CutTime, picture.VisionTime, generation.Timings.Prefill, generation.Timings.Decode),
            Letters = tokens.Letters(),
        };
    }

    private IDecoder Decoder(int rows)
    {
        if (_decoder?.Rows == rows) return _decoder;
        _decoder?.Dispose();
        _decoder = null;
        return _decoder = _vlm.Allocate(rows);
    }

    private sealed record EncodedPicture(ImageFeatures Features, TimeSpan CutTime, TimeSpan VisionTime);
}
