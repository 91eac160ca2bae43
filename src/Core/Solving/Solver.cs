using Vlm.Cryptogram;
using Vlm.Engine;
using Vlm.Model;
using Vlm.Package;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Solving;

/// <summary>A decoder picture and a coded message.</summary>
/// <param name="Picture">The picture, in any size.</param>
/// <param name="Code">The code in its normal form, as <see cref="Cryptogram.Code.Parse"/> gives it.</param>
/// <param name="Decoding">How long it took to decode the picture's file; zero if there was none.</param>
public sealed record Question(RgbImage Picture, string Code, TimeSpan Decoding = default);

/// <summary>What to find out beside the answer.</summary>
public sealed record SolveOptions
{
    /// <summary>Whether to record where the model looked for each letter; off by default.</summary>
    public bool WithAttention { get; init; }

    /// <summary>How tokens are taken; greedy by default.</summary>
    public Sampling Sampling { get; init; } = Sampling.Greedy;

    /// <summary>New tokens at most, at least 1; null (the default), or more than the package's own limit, means that limit.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>
    /// Whether a reply whose layout the package promises is held to it (<see cref="ReplyGrammar"/>); true by default. False shows what the model does alone.
    /// </summary>
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

/// <summary>How long each phase took. Phases that a batch shares are given for the whole batch.</summary>
/// <param name="Decoding">File to pixels.</param>
/// <param name="Finding">Looking for the sheet and cutting it out; zero where that was not done.</param>
/// <param name="Patches">Pixels to patches: resizing and normalising.</param>
/// <param name="Vision">The vision graph.</param>
/// <param name="Prefill">Reading the prompt.</param>
/// <param name="Decode">Writing the reply.</param>
public readonly record struct SolveTimings(TimeSpan Decoding, TimeSpan Finding, TimeSpan Patches, TimeSpan Vision, TimeSpan Prefill, TimeSpan Decode)
{
    /// <summary>All phases together.</summary>
    public TimeSpan Total => Decoding + Finding + Patches + Vision + Prefill + Decode;
}

/// <summary>Where the model looked when it wrote the plain letter of one mapping line.</summary>
/// <param name="Coded">The coded letter of the line.</param>
/// <param name="Plain">The plain letter that was written.</param>
/// <param name="Weights">[rows, columns] of the merged grid, sum 1.</param>
public sealed record LetterAttention(char Coded, char Plain, float[] Weights);

/// <summary>Which choices of a generation wrote which part of the reply; tags, arrows and line ends belong to none.</summary>
/// <param name="Mapping">The plain letters of the mapping lines.</param>
/// <param name="Chars">The decoded letters.</param>
/// <param name="Answer">The answer.</param>
public sealed record ReplyFields(IReadOnlyList<int> Mapping, IReadOnlyList<int> Chars, IReadOnlyList<int> Answer);

/// <summary>What the model made of a question.</summary>
public sealed record Solution
{
    /// <summary>What was asked; with the picture that was read: the sheet cut out where that was done, upright where it hangs sideways.</summary>
    public required Question Question { get; init; }

    /// <summary>What a look for the sheet came to; null where nothing was looked for.</summary>
    public SheetLook? Sheet { get; init; }

    /// <summary>Quarter turns clockwise by which the picture was turned before it was read, 0 to 3.</summary>
    public int QuarterTurns { get; init; }

    /// <summary>The reply as text, without the token that ended it.</summary>
    public required string Text { get; init; }

    /// <summary>The reply taken apart, or why it cannot be.</summary>
    public required ReplyResult Reply { get; init; }

    /// <summary>
    /// How sure the model is of the answer, in (0, 1]; null when the reply has none. Where plain letters were decided, the product of the beliefs in them;
    /// otherwise the geometric mean of the probabilities of the answer's tokens. Raw: nothing says that answers with 0.9 are right nine times in ten.
    /// </summary>
    public required double? RawConfidence { get; init; }

    /// <summary>The tokens that make the text.</summary>
    public required Generation Generation { get; init; }

    /// <summary>Which tokens wrote which field; null when the reply does not have them.</summary>
    public ReplyFields? Fields { get; init; }

    /// <summary>The patches that the picture became.</summary>
    public required PatchGrid Grid { get; init; }

    /// <summary>Side of a patch in pixels: the model saw the picture with grid rows x this many rows.</summary>
    public int PatchSize { get; init; } = 14;

    /// <summary>Tokens of the prompt, those of the picture included.</summary>
    public int PromptTokens { get; init; }

    /// <summary>Tokens of the prompt that stand for the picture.</summary>
    public int PictureTokens { get; init; }

    /// <summary>How long it took.</summary>
    public required SolveTimings Timings { get; init; }

    /// <summary>One entry per decoded letter, in the order of the reply; empty when attention was not asked for.</summary>
    public IReadOnlyList<LetterAttention> Letters { get; init; } = [];

    /// <summary>
    /// What the picture lets the model say; null when the reply cannot be read. That there is no decoder it says of a picture in which it saw none of the 26
    /// letters clearly, and hardly one at all.
    /// </summary>
    public AnswerStatus? Status => Answer switch
    {
        null => null,
        var answer when !answer.Contains(Message.Unseen, StringComparison.Ordinal) => AnswerStatus.Answered,
        _ when Generation.Reading.Together is { Count: Cipher.Letters } all && LetterDecision.ShowsNoLetterClearly(all) => AnswerStatus.NoDecoder,
        _ => AnswerStatus.Unreadable,
    };

    /// <summary>The letters of the code that were not seen, each once, in the order of the code.</summary>
    public IReadOnlyList<char> Unseen => Answer is { } answer ? Message.UnseenOf(Question.Code, answer) : [];

    /// <summary>The answer in lower case, or null when the reply cannot be read.</summary>
    public string? Answer => Reply is ReplyResult.Reply reply ? reply.Answer.ToLowerInvariant() : null;
}

/// <summary>A model package made ready to answer: from picture and code to text and confidence.</summary>
/// <remarks>Not thread-safe: it keeps one batch's memory and uses it again. Dispose it.</remarks>
public sealed class Solver : IDisposable
{
    private readonly PictureConfig _pictures;
    private readonly PromptKit _kit;
    private readonly Func<Placement, IVisionModel>? _reopen;
    private readonly SheetCutter? _cutter;
    private RunningModel _running;
    // What a provider has failed under is left alone: freeing memory of a device that has failed can end the process. There is one at most.
    private RunningModel? _abandoned;

    private Solver(ModelFolder folder, IVisionModel model, Task<Tokenizer> tokenizer, Func<Placement, IVisionModel>? reopen, SheetCutter? cutter)
    {
        (Folder, _reopen, _cutter) = (folder, reopen, cutter);
        _pictures = ProcessorConfig.Load(Path.Combine(folder.Path, model.Config.ProcessorFile));
        _kit = PromptKit.Load(model.Config, tokenizer.GetAwaiter().GetResult());
        _running = RunningModel.Of(model, _pictures, _kit);
    }

    /// <summary>Called when a provider has failed and the processor has taken over: once at most, before the questions are answered again.</summary>
    public Action<Placement>? Moved { get; set; }

    /// <summary>Where the model runs, and why there.</summary>
    public Placement Placement => _running.Model.Placement;

    /// <summary>The package, verified.</summary>
    public ModelFolder Folder { get; }

    /// <summary>How sheets are looked for, <see cref="SheetLook.Way"/>; null where pictures are read as they are.</summary>
    public string? Finding => _cutter?.Way;

    /// <summary>The package's tokenizer.</summary>
    public Tokenizer Tokenizer => _kit.Tokenizer;

    /// <summary>The start of every reply that is given and not generated, from its <c>&lt;think&gt;</c> on; empty when the package gives none.</summary>
    public string ReplyStart
    {
        get
        {
            var prefix = _kit.Template.AssistantPrefix;
            var start = prefix.LastIndexOf(ReplyText.Think.Open, StringComparison.Ordinal);
            return start < 0 ? "" : prefix[start..];
        }
    }

    /// <summary>The most tokens that a reply can have.</summary>
    public int MaxNewTokens => _kit.Template.MaxNewTokens;

    /// <summary>Whether a token ends replies. It is no part of their text.</summary>
    public bool IsStop(int token) => _kit.StopTokens.Contains(token);

    /// <summary>Whether replies are held to their layout, so that the model decides plain letters and nothing else.</summary>
    public bool DecidesLetters => _kit.Grammar is not null;

    /// <summary>Whether the package can say where it looks.</summary>
    public bool ShowsAttention => _running.Model.ShowsAttention;

    /// <summary>Verifies the hashes of packages and loads them.</summary>
    /// <param name="folder">The model's.</param>
    /// <param name="options">What runs it, and where.</param>
    /// <param name="search">Looks for the sheet first; null where pictures are read as they are.</param>
    /// <exception cref="ModelException">The package is missing, damaged, or not one that this program can run.</exception>
    /// <exception cref="UserException">The engine or the provider that was asked for by name cannot be had.</exception>
    public static Solver Open(string folder, EngineOptions? options = null, SheetSearch? search = null)
    {
        options ??= new EngineOptions();
        return Open(folder, () => Engines.Open(folder, options),
            options.Provider == ProviderKind.Auto ? placement => Engines.Open(folder, options, placement) : null, search);
    }

    /// <param name="folder">The package.</param>
    /// <param name="open">Loads its model.</param>
    /// <param name="reopen">Loads it on the processor, should its provider fail; null where that is not wanted.</param>
    /// <param name="search">Looks for the sheet first.</param>
    internal static Solver Open(string folder, Func<IVisionModel> open, Func<Placement, IVisionModel>? reopen, SheetSearch? search = null)
    {
        var verified = ModelFolder.Open(folder);
        // Reading a vocabulary and loading the graphs take about as long; together they are the wait before the first answer.
        var tokenizer = Task.Run(() => Tokenizer.Load(Path.Combine(folder, "tokenizer.json")));
        var model = open();
        SheetCutter? cutter = null;
        try
        {
            cutter = SheetCutter.Open(search);
            return new Solver(verified, model, tokenizer, reopen, cutter);
        }
        catch (Exception e)
        {
            cutter?.Dispose();
            model.Dispose();
            throw e is CheckpointException or InvalidDataException or FileNotFoundException ? new ModelException(e.Message, e) : e;
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
    /// <exception cref="ProviderException">
    /// The provider failed, and was asked for by name, or tokens of a reply were already told, which may not be taken back. In the second case the
    /// processor answers the next questions.
    /// </exception>
    public IReadOnlyList<Solution> Solve(IReadOnlyList<SolveRequest> requests, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        if (requests.Count == 0) return [];
        if (_reopen is null || Placement.Provider == ProviderKind.Cpu) return SolveOnce(requests, cancellation);
        var told = false;
        try
        {
            return SolveOnce([.. requests.Select(request => Listened(request, () => told = true))], cancellation);
        }
        catch (ProviderException e)
        {
            MoveToProcessor(e);
            if (told) throw;
            return SolveOnce(requests, cancellation);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _running.Dispose();
        _cutter?.Dispose();
        GC.KeepAlive(_abandoned);
    }

    private static SolveRequest Listened(SolveRequest request, Action told) => request.Options.OnToken is not { } tell ? request : request with
    {
        Options = request.Options with
        {
            OnToken = (choice, alternatives) =>
            {
                told();
                tell(choice, alternatives);
            },
        },
    };

    private void MoveToProcessor(ProviderException error)
    {
        var placement = Placement.FallBack(PlacementReason.FailedWhileRunning, error.Message);
        var next = RunningModel.Of(_reopen!(placement), _pictures, _kit);
        (_abandoned, _running) = (_running, next);
        Moved?.Invoke(placement);
    }

    private IReadOnlyList<Solution> SolveOnce(IReadOnlyList<SolveRequest> requests, CancellationToken cancellation)
    {
        var (_, runner, turning, rereading) = _running;
        var read = new List<ReadPicture>();
        try
        {
            var (cut, sheets) = CutOut(requests);
            foreach (var request in cut)
            {
                cancellation.ThrowIfCancellationRequested();
                read.Add(runner.Read(request.Question.Picture));
            }

            Prompt[] prompts = [.. cut.Zip(read, (request, picture) => runner.ToPrompt(request.Question.Code, picture))];
            var replies = runner.Generate(prompts, [.. cut.Select(runner.Options)], cancellation);
            cancellation.ThrowIfCancellationRequested();
            AskedPicture[] first = [.. Enumerable.Range(0, cut.Length).Select(i =>
                new AskedPicture(cut[i], read[i], prompts[i], replies[i]) { Sheet = sheets[i] })];
            AskedPicture[] upright = [.. first.Select(asked => turning.Upright(asked, read, cancellation))];
            var final = rereading.Improve(upright, cancellation);
            cancellation.ThrowIfCancellationRequested();
            foreach (var asked in final) Tell(asked.Request.Options, asked.Reply);
            return [.. final.Select(ToSolution)];
        }
        finally
        {
            foreach (var picture in read) picture.Picture.Dispose();
        }
    }

    /// <summary>The questions with the sheets cut out of their pictures, and what was found in each.</summary>
    private (SolveRequest[] Requests, SheetLook?[] Looks) CutOut(IReadOnlyList<SolveRequest> requests)
    {
        if (_cutter is null) return ([.. requests], new SheetLook?[requests.Count]);
        var looks = requests.Select(request => _cutter.Cut(request.Question.Picture)).ToArray();
        return ([.. requests.Zip(looks, (request, look) => request with { Question = request.Question with { Picture = look.Picture } })],
            [.. looks.Select(look => look.Look)]);
    }

    /// <summary>A reply that further looks may still change is passed on when it is final.</summary>
    private void Tell(SolveOptions options, Generation generation)
    {
        if (options.OnToken is not { } tell || !_running.Runner.IsHeld(options)) return;
        for (var i = 0; i < generation.Choices.Count; i++) tell(generation.Choices[i], options.Alternatives > 0 ? generation.Alternatives[i] : []);
    }

    /// <summary>Letters that were decided leave the answer's own tokens no choice, so that their probabilities say nothing.</summary>
    private static double? Confidence(Generation generation, ReplyTokens tokens) =>
        generation.Reading.Decided is { Count: > 0 } decided ? Math.Exp(decided.Sum(letter => letter.LogProbability)) : tokens.AnswerProbability();

    private Solution ToSolution(AskedPicture asked)
    {
        var (question, read, prompt, generation) = (asked.Request.Question, asked.Read, asked.Prompt, asked.Reply);
        var tokens = new ReplyTokens(_kit.Tokenizer, generation);
        var reply = ReplyParser.Parse(tokens.Text);
        return new Solution
        {
            Question = question,
            QuarterTurns = asked.QuarterTurns,
            Sheet = asked.Sheet,
            Text = tokens.Text,
            Reply = reply,
            RawConfidence = reply is ReplyResult.Reply ? Confidence(generation, tokens) : null,
            Generation = generation,
            Fields = tokens.Fields(),
            Grid = read.Picture.Grid,
            PatchSize = _pictures.PatchSize,
            PromptTokens = prompt.Ids.Length,
            PictureTokens = read.Picture.Tokens,
            Timings = new SolveTimings(
                question.Decoding, asked.Sheet?.Time ?? default, read.CutTime, read.VisionTime, generation.Timings.Prefill, generation.Timings.Decode),
            Letters = tokens.Letters(),
        };
    }
}

/// <summary>A model, and what runs batches through it.</summary>
internal sealed record RunningModel(IVisionModel Model, ReplyRunner Runner, Turning Turning, Rereading Rereading) : IDisposable
{
    /// <summary>Takes the model over.</summary>
    public static RunningModel Of(IVisionModel model, PictureConfig pictures, PromptKit kit)
    {
        var runner = new ReplyRunner(model, pictures, kit);
        return new RunningModel(model, runner, new Turning(runner), new Rereading(runner));
    }

    public void Dispose()
    {
        Runner.Dispose();
        Model.Dispose();
    }
}
