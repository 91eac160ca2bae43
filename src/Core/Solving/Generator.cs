using System.Diagnostics;
using Vlm.Engine;

namespace Vlm.Solving;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>The model wrote a stop token.</summary>
    EndOfText,

    /// <summary>The limit on new tokens was reached.</summary>
    MaxTokens,

    /// <summary>Prompt and reply filled the memory of the row.</summary>
    ContextFull,

    /// <summary>Somebody cancelled it.</summary>
    Cancelled,

    /// <summary>Only the plain letters were wanted, and they are decided.</summary>
    LettersDecided,
}

/// <summary>What to generate.</summary>
public sealed record GenerationOptions
{
    /// <summary>New tokens at most, at least 1.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Tokens that end a reply; the one that did is the reply's last.</summary>
    public required IReadOnlyCollection<int> StopTokens { get; init; }

    /// <summary>How tokens are taken; greedy by default.</summary>
    public Sampling Sampling { get; init; } = Sampling.Greedy;

    /// <summary>Samples of each prompt, all from one prefill; 1 by default.</summary>
    public int Samples { get; init; } = 1;

    /// <summary>What the reply can be: tokens that break its rules are not taken. Null (the default) leaves the model free.</summary>
    public ReplyState? Reply { get; init; }

    /// <summary>Whether the reply ends as soon as its plain letters are decided; false by default.</summary>
    public bool LettersOnly { get; init; }

    /// <summary>Whether to record where the model looked for every token; off by default.</summary>
    public bool WithAttention { get; init; }

    /// <summary>How many of the most probable tokens to record at every place; none by default.</summary>
    public int Alternatives { get; init; }

    /// <summary>
    /// Called with every token as soon as it is final, the stop token included, and with its most probable alternatives: when it is taken, or, with
    /// <see cref="Reply"/>, once all plain letters are decided. It runs in the loop, so the batch waits for it; what it throws ends the batch.
    /// </summary>
    public Action<Choice, IReadOnlyList<TokenProbability>>? OnToken { get; init; }

    /// <summary>Ends this prompt's rows with <see cref="FinishReason.Cancelled"/>; its neighbours in the batch go on.</summary>
    public CancellationToken Stop { get; init; }
}

/// <summary>How long the two phases of a generation took, for its whole batch.</summary>
/// <param name="Prefill">Reading the prompts.</param>
/// <param name="Decode">All steps after that.</param>
public readonly record struct GenerationTimings(TimeSpan Prefill, TimeSpan Decode)
{
    /// <summary>The sum of both, phase by phase.</summary>
    public GenerationTimings And(GenerationTimings other) => new(Prefill + other.Prefill, Decode + other.Decode);
}

/// <summary>One reply.</summary>
/// <param name="Choices">The tokens, the stop token included, with their log-probabilities and runners-up.</param>
/// <param name="Finish">Why it ended.</param>
/// <param name="Timings">How long it took, together with its batch.</param>
public sealed record Generation(IReadOnlyList<Choice> Choices, FinishReason Finish, GenerationTimings Timings)
{
    /// <summary>The tokens without the one that ended the reply.</summary>
    public int[] TextTokens => [.. Choices.Take(Choices.Count - (Finish == FinishReason.EndOfText ? 1 : 0)).Select(choice => choice.Token)];

    /// <summary>
    /// For each choice, where the model looked when it chose: one weight per picture token, sum 1. Null when it was not asked for or the package does not show
    /// it.
    /// </summary>
    public IReadOnlyList<float[]>? Attention { get; init; }

    /// <summary>What is known of its letters; nothing where it was not held to a layout.</summary>
    public LetterReading Reading { get; init; } = LetterReading.None;

    /// <summary>For each choice the most probable tokens at its place, as many as were asked for, most probable first; empty when none were.</summary>
    public IReadOnlyList<IReadOnlyList<TokenProbability>> Alternatives { get; init; } = [];
}

/// <summary>The decode loop: read the prompts, then take a token per row and step, until every row has ended.</summary>
public static class Generator
{
    // What IDecoder.Step is fed for a row that stays as it is.
    private const int Resting = -1;

    /// <summary>Generates replies to prompts as one batch.</summary>
    /// <param name="decoder">With prompts x <see cref="GenerationOptions.Samples"/> rows.</param>
    /// <param name="prompts">At least one.</param>
    /// <param name="options">What to generate.</param>
    /// <param name="cancellation">Ends all rows with <see cref="FinishReason.Cancelled"/>; what they have so far is returned.</param>
    /// <returns>For each prompt its samples.</returns>
    /// <exception cref="PromptTooLongException">A prompt does not fit into the decoder.</exception>
    public static IReadOnlyList<Generation>[] Generate(
        IDecoder decoder, IReadOnlyList<Prompt> prompts, GenerationOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(prompts);
        Check(options);
        var needed = prompts.Count * options.Samples;
        if (decoder.Rows != needed)
        {
            throw new ArgumentException(
                $"{prompts.Count} prompts with {options.Samples} samples need {needed} rows; the decoder has {decoder.Rows}.", nameof(decoder));
        }

        var rows = Enumerable.Range(0, decoder.Rows).Select(row => new Row(row, row, options)).ToArray();
        var timings = Run(decoder, prompts, rows, cancellation);
        IReadOnlyList<Generation> Samples(int prompt) =>
            [.. Enumerable.Range(0, options.Samples).Select(sample => rows[sample * prompts.Count + prompt].ToGeneration(timings))];
        return [.. Enumerable.Range(0, prompts.Count).Select(Samples)];
    }

    /// <summary>Generates one reply to each prompt, each with options of its own, as one batch. A reply does not depend on its place in the batch.</summary>
    /// <param name="decoder">With a row per prompt.</param>
    /// <param name="prompts">At least one.</param>
    /// <param name="options">One per prompt, each with one sample.</param>
    /// <param name="cancellation">Ends all rows with <see cref="FinishReason.Cancelled"/>; what they have so far is returned.</param>
    /// <exception cref="PromptTooLongException">A prompt does not fit into the decoder.</exception>
    public static Generation[] Generate(
        IDecoder decoder, IReadOnlyList<Prompt> prompts, IReadOnlyList<GenerationOptions> options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(options);
        if (decoder.Rows != prompts.Count || options.Count != prompts.Count)
            throw new ArgumentException($"{prompts.Count} prompts need as many options and rows; found {options.Count} and {decoder.Rows}.", nameof(options));
        foreach (var each in options)
        {
            Check(each);
            if (each.Samples != 1) throw new ArgumentException($"Prompts with options of their own get one sample each, not {each.Samples}.", nameof(options));
        }

        var rows = options.Select((each, row) => new Row(row, draws: 0, each)).ToArray();
        var timings = Run(decoder, prompts, rows, cancellation);
        return [.. rows.Select(row => row.ToGeneration(timings))];
    }

    private static void Check(GenerationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxTokens, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Samples, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.Alternatives, nameof(options));
    }

    private static GenerationTimings Run(IDecoder decoder, IReadOnlyList<Prompt> prompts, Row[] rows, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        decoder.Prefill(prompts);
        var prefill = Stopwatch.GetElapsedTime(start);
        start = Stopwatch.GetTimestamp();
        var tokens = new int[decoder.Rows];
        // Every turn adds a token to a row or ends it, but for one cut per reply, and MaxTokens bounds each row.
        while (rows.Any(row => !row.HasEnded))
        {
            foreach (var row in rows) tokens[row.Index] = row.Advance(decoder, cancellation.IsCancellationRequested) ?? Resting;
            if (tokens.Any(token => token != Resting)) decoder.Step(tokens);
        }
        return new GenerationTimings(prefill, Stopwatch.GetElapsedTime(start));
    }

    /// <summary>One reply in the making; <paramref name="draws"/> tells its random numbers from those of other samples.</summary>
    private sealed class Row(int index, int draws, GenerationOptions options)
    {
        private readonly List<Choice> _choices = [];
        private readonly List<IReadOnlyList<TokenProbability>> _alternatives = [];
        private readonly List<float[]>? _attention = options.WithAttention ? [] : null;
        private readonly ReplyGuide? _guide = options.Reply is { } reply ? new ReplyGuide(reply) : null;
        private FinishReason? _finish;
        private int _told;

        public int Index => index;

        public bool HasEnded => _finish is not null;

        /// <summary>One turn of the loop.</summary>
        /// <returns>The token that is to be fed in this turn's step; null when the row rests: it has ended, or was fed here.</returns>
        public int? Advance(IDecoder decoder, bool isCancelled)
        {
            if (HasEnded) return null;
            _finish = EndBeforeToken(decoder, isCancelled);
            if (!HasEnded)
            {
                TakeToken(decoder);
                DecideLetters(decoder);
                _finish = EndAfterToken(decoder);
            }

            var isFed = !HasEnded && FeedGiven(decoder);
            Tell();
            return HasEnded || isFed ? null : _choices[^1].Token;
        }

        private FinishReason? EndBeforeToken(IDecoder decoder, bool isCancelled)
        {
            if (isCancelled || options.Stop.IsCancellationRequested) return FinishReason.Cancelled;
            // A prompt may fill the row: then there is no room for even one token.
            return decoder.Length(index) == decoder.MaxLength ? FinishReason.ContextFull : null;
        }

        private void TakeToken(IDecoder decoder)
        {
            if (_guide?.IsAsking == true) _guide.Look(decoder.Logits(index), decoder.PictureAttention(index));
            if (_attention is not null && decoder.PictureAttention(index) is { } weights) _attention.Add(weights);
            Add(decoder.Logits(index));
        }

        /// <summary>Once the last plain letter is written, the guide asks for more letters or decides; what it does not keep is cut off.</summary>
        private void DecideLetters(IDecoder decoder)
        {
            if (_guide is not { MustDecide: true } guide || guide.AskForRest(Room(decoder))) return;
            var kept = guide.DecideLetters();
            // Where only the letters are wanted, the reply has no further use.
            if (kept < _choices.Count && !options.LettersOnly) GoBack(decoder, kept);
        }

        private FinishReason? EndAfterToken(IDecoder decoder)
        {
            if (options.LettersOnly && _guide?.IsSettled == true) return FinishReason.LettersDecided;
            if (options.StopTokens.Contains(_choices[^1].Token)) return FinishReason.EndOfText;
            if (_choices.Count == options.MaxTokens) return FinishReason.MaxTokens;
            return decoder.Length(index) + 1 == decoder.MaxLength ? FinishReason.ContextFull : null;
        }

        /// <summary>Tokens that can follow the last one taken, which has not been fed yet.</summary>
        private int Room(IDecoder decoder) => Math.Min(options.MaxTokens - _choices.Count, decoder.MaxLength - decoder.Length(index) - 1);

        /// <summary>
        /// Jump-forward decoding (Zheng et al. 2024, SGLang, §4): tokens that the grammar leaves no choice in are fed in one run together with the one before
        /// them. A row does so alone (attention over a past takes several new tokens of one row only); measured, that is no slower than steps of 16 rows.
        /// </summary>
        /// <returns>Whether there were such tokens, so that the row is fed.</returns>
        private bool FeedGiven(IDecoder decoder)
        {
            if (_guide is null || _attention is not null || !decoder.CanAppend) return false;
            // Room for one token more, whose turn finds out how the reply ends.
            int[] given = [.. _guide.Given().Take(Math.Max(0, Room(decoder) - 1))];
            if (given.Length == 0) return false;
            var logits = decoder.Append(index, [_choices[^1].Token, .. given]);
            var vocabulary = logits.Length / (given.Length + 1);
            for (var i = 0; i < given.Length; i++) Add(logits.Slice(i * vocabulary, vocabulary));
            return true;
        }

        /// <summary>Cuts the reply back. The last token that stays is fed once more: its logits are those of the place that is written again.</summary>
        private void GoBack(IDecoder decoder, int kept)
        {
            // The last token taken has not been fed yet.
            decoder.Rewind(index, decoder.Length(index) - (_choices.Count - kept));
            _choices.RemoveRange(kept, _choices.Count - kept);
            if (_alternatives.Count > kept) _alternatives.RemoveRange(kept, _alternatives.Count - kept);
            if (_attention?.Count > kept) _attention.RemoveRange(kept, _attention.Count - kept);
        }

        /// <summary>Tells what is final: a letter that may be written again is not.</summary>
        private void Tell()
        {
            if (options.OnToken is null || _finish is null && _guide?.IsSettled == false) return;
            for (; _told < _choices.Count; _told++) options.OnToken(_choices[_told], options.Alternatives > 0 ? _alternatives[_told] : []);
        }

        private void Add(ReadOnlySpan<float> logits)
        {
            var draw = Sampler.Uniform(options.Sampling.Seed, draws, _choices.Count);
            var choice = _guide is null ? Sampler.Choose(logits, options.Sampling, draw) : Sampler.Choose(logits, _guide.Allowed(), options.Sampling, draw);
            _choices.Add(choice);
            if (options.Alternatives > 0) _alternatives.Add(Sampler.Top(logits, options.Alternatives));
            _guide?.Add(choice.Token);
        }

        public Generation ToGeneration(GenerationTimings timings) => new(_choices, _finish!.Value, timings)
        {
            Attention = _attention?.Count == _choices.Count ? _attention : null,
            Alternatives = _alternatives,
            Reading = _guide?.Reading ?? LetterReading.None,
        };
    }
}
