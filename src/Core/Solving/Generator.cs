using System.Diagnostics;
using Vlm.Engine;

namespace Vlm.Solving;

/// <summary>The decode loop: read the prompts, then take a token per row and step, until every row has ended.</summary>
public static class Generator
{
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
        if (decoder.Rows != prompts.Count * options.Samples)
            throw new ArgumentException($"{prompts.Count} prompts with {options.Samples} samples need {prompts.Count * options.Samples} rows; the decoder has {decoder.Rows}.", nameof(decoder));

        var rows = Enumerable.Range(0, decoder.Rows).Select(row => new Row(row, row, options)).ToArray();
        var timings = Run(decoder, prompts, rows, cancellation);
        return [.. Enumerable.Range(0, prompts.Count).Select(prompt =>
            (IReadOnlyList<Generation>)[.. Enumerable.Range(0, options.Samples).Select(sample => rows[sample * prompts.Count + prompt].ToGeneration(timings))])];
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
            foreach (var row in rows) tokens[row.Index] = row.Advance(decoder, cancellation.IsCancellationRequested);
            if (tokens.Any(token => token >= 0)) decoder.Step(tokens);
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

        /// <summary>Takes the next token and returns the one that is to be fed, or -1 when there is none: the row has ended, or it was fed here.</summary>
        public int Advance(IDecoder decoder, bool isCancelled)
        {
            if (HasEnded) return -1;
            var next = Take(decoder, isCancelled);
            if (!HasEnded && Jump(decoder, next)) next = -1;
            Tell();
            return next;
        }

        private int Take(IDecoder decoder, bool isCancelled)
        {
            // A prompt may fill the row: then there is no room for even one token.
            var total = decoder.Length(index) + 1;
            if (isCancelled || options.Stop.IsCancellationRequested) _finish = FinishReason.Cancelled;
            else if (total > decoder.MaxLength) _finish = FinishReason.ContextFull;
            if (_finish is not null) return -1;
            if (_guide?.IsAsking == true) _guide.Look(decoder.Logits(index), decoder.PictureAttention(index));
            if (_attention is not null && decoder.PictureAttention(index) is { } weights) _attention.Add(weights);
            var choice = Add(decoder.Logits(index));
            var kept = _guide?.Settle(Math.Min(options.MaxTokens - _choices.Count, decoder.MaxLength - total));
            if (options.LettersOnly && _guide?.IsSettled == true) _finish = FinishReason.LettersDecided;
            else if (kept is { } back) return GoBack(decoder, back);
            else if (options.StopTokens.Contains(choice.Token)) _finish = FinishReason.EndOfText;
            else if (_choices.Count == options.MaxTokens) _finish = FinishReason.MaxTokens;
            else if (total == decoder.MaxLength) _finish = FinishReason.ContextFull;
            return _finish is null ? choice.Token : -1;
        }

        /// <summary>
        /// Jump-forward decoding (Zheng et al. 2024, SGLang, §4): tokens that the grammar leaves no choice in are fed in one run together with the one before
        /// them. A row does so alone (attention over a past takes several new tokens of one row only); measured, that is no slower than steps of 16 rows.
        /// </summary>
        private bool Jump(IDecoder decoder, int next)
        {
            if (_guide is null || _attention is not null || !decoder.CanAppend) return false;
            // Room for one token more, whose turn finds out how the reply ends.
            var room = Math.Min(options.MaxTokens - _choices.Count, decoder.MaxLength - decoder.Length(index) - 1) - 1;
            int[] given = [.. _guide.Given().Take(Math.Max(0, room))];
            if (given.Length == 0) return false;
            var logits = decoder.Append(index, [next, .. given]);
            var vocabulary = logits.Length / (given.Length + 1);
            for (var i = 0; i < given.Length; i++) Add(logits.Slice(i * vocabulary, vocabulary));
            return true;
        }

        /// <summary>Cuts the reply back and feeds the last token that stays once more: its logits are those of the place that is written anew.</summary>
        private int GoBack(IDecoder decoder, int kept)
        {
            // The last token taken has not been fed yet.
            decoder.Rewind(index, decoder.Length(index) - (_choices.Count - kept));
            _choices.RemoveRange(kept, _choices.Count - kept);
            if (_alternatives.Count > kept) _alternatives.RemoveRange(kept, _alternatives.Count - kept);
            if (_attention?.Count > kept) _attention.RemoveRange(kept, _attention.Count - kept);
            return _choices[^1].Token;
        }

        /// <summary>Tells what is final: a letter that may be written anew is not.</summary>
        private void Tell()
        {
            if (options.OnToken is null || _finish is null && _guide?.IsSettled == false) return;
            for (; _told < _choices.Count; _told++) options.OnToken(_choices[_told], options.Alternatives > 0 ? _alternatives[_told] : []);
        }

        private Choice Add(ReadOnlySpan<float> logits)
        {
            var choice = Choose(logits);
            _choices.Add(choice);
            if (options.Alternatives > 0) _alternatives.Add(Sampler.Top(logits, options.Alternatives));
            _guide?.Take(choice.Token);
            return choice;
        }

        public Generation ToGeneration(GenerationTimings timings) => new(_choices, _finish!.Value, timings)
        {
            Attention = _attention?.Count == _choices.Count ? _attention : null,
            Alternatives = _alternatives,
            Decided = _guide?.Decided ?? [],
            Beliefs = _guide?.Beliefs ?? [],
            LookedAt = _guide?.LookedAt ?? [],
        };

        private Choice Choose(ReadOnlySpan<float> logits)
        {
            var position = _choices.Count;
            if (position < options.Forced.Count) return Sampler.Judge(logits, options.Forced[position]);
            var draw = Sampler.Uniform(options.Sampling.Seed, draws, position);
            return _guide is null ? Sampler.Choose(logits, options.Sampling, draw) : Sampler.Choose(logits, _guide.Allowed(), options.Sampling, draw);
        }
    }
}
