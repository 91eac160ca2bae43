using Vlm.Cryptogram;

namespace Vlm.Solving;

/// <summary>
/// Holds one reply to its grammar, and decides the plain letters together once all of them were seen: the letters that are likeliest as a whole, none twice.
/// </summary>
/// <remarks>
/// Taken one after the other, a misread letter drives the rightful owner of its plain letter out as well. What the model sees of one pair hardly depends on
/// what it wrote of the others, so the distributions met on the way are those of the pairs, and the best bijection is an assignment problem. Where a letter is
/// in doubt the model is asked for the letters outside the code too, in lines that are cut off again: a plain letter that is surely read elsewhere cannot be
/// the one in doubt.
/// </remarks>
internal sealed class ReplyGuide(ReplyState start)
{
    private const int TokensPerLine = 4;

    private readonly ReplyState _start = start;
    private readonly List<(int Place, LetterBelief Belief)> _seen = [];
    private readonly List<float[]> _lookedAt = [];
    private readonly List<int> _tokens = [];
    private ReplyState _state = start;
    private int? _askedForRestAt;

    /// <summary>Whether the plain letters are final.</summary>
    public bool IsSettled { get; private set; } = start.IsDecided;

    /// <summary>Whether the last plain letter that was asked for is written, and none is final yet.</summary>
    public bool MustDecide => !IsSettled && _state.HasAllLetters;

    /// <summary>What is known of the letters; nothing is decided or believed until they are final.</summary>
    public LetterReading Reading { get; private set; } = LetterReading.None;

    /// <summary>Whether the next token is a plain letter that is not final yet.</summary>
    public bool IsAsking => !IsSettled && _state.Open is not null;

    /// <inheritdoc cref="ReplyState.Allowed"/>
    public IReadOnlyList<int> Allowed() => _state.Allowed();

    /// <summary>The tokens that must come next, up to the next letter that is asked for; without the last of the reply.</summary>
    public IEnumerable<int> Given()
    {
        var state = _state;
        while ((IsSettled || state.Open is null) && state.Allowed() is [var only])
        {
            state = state.After(only);
            if (state.Allowed().Count == 0 || !IsSettled && state.HasAllLetters) yield break;
            yield return only;
        }
    }

    /// <summary>Takes note of what the model thinks at the next place.</summary>
    /// <param name="logits">[V] for the next token.</param>
    /// <param name="attention">Where it looks, one weight per picture token; null when that is not shown.</param>
    public void Look(ReadOnlySpan<float> logits, float[]? attention)
    {
        if (!IsAsking) return;
        _seen.Add((_tokens.Count, Believe(_state.Open!.Value, logits)));
        if (attention is null) return;
        _lookedAt.Add(attention);
        Reading = Reading with { LookedAt = _lookedAt };
    }

    /// <summary>Goes on with a token.</summary>
    public void Add(int token)
    {
        _state = _state.After(token);
        _tokens.Add(token);
    }

    /// <summary>Goes on with a line for every letter outside the code, where a letter is in doubt or none was seen; at most once for a reply.</summary>
    /// <param name="room">Tokens that there is room for: without enough of it nothing is asked for.</param>
    /// <returns>Whether it does.</returns>
    public bool AskForRest(int room)
    {
        var beliefs = Beliefs();
        var rest = LetterDecision.Letters - beliefs.Count;
        var isWorthIt = _askedForRestAt is null && rest is > 0 and < LetterDecision.Letters && room > TokensPerLine * rest
            && (LetterDecision.IsInDoubt(beliefs) || LetterDecision.IsNothingSeen(beliefs));
        if (isWorthIt) (_askedForRestAt, _state) = (_tokens.Count, _state.WithRestOfAlphabet());
        return isWorthIt;
    }

    /// <summary>
    /// Decides all letters and holds the reply to them. Lines that were only asked for, and lines that the decision changes, are cut off.
    /// </summary>
    /// <returns>How many tokens of the reply stay.</returns>
    public int DecideLetters()
    {
        var beliefs = Beliefs();
        var decided = LetterDecision.Decide(beliefs);
        Reading = Reading with { Beliefs = beliefs, Decided = [.. decided.Where(letter => _start.IsInCode(letter.Coded))] };
        IsSettled = true;

        var plain = decided.ToDictionary(letter => letter.Coded, letter => letter.Plain);
        var kept = _askedForRestAt ?? _tokens.Count;
        foreach (var (place, belief) in _seen)
        {
            if (_tokens[place] != _start.Token(plain[belief.Coded])) kept = Math.Min(kept, place);
        }

        _tokens.RemoveRange(kept, _tokens.Count - kept);
        _state = _tokens.Aggregate(_start.With(plain), (state, token) => state.After(token));
        return kept;
    }

    /// <summary>What was seen of every letter. The mean: occurrences of a letter are looks at the same pair, not independent evidence.</summary>
    private IReadOnlyList<LetterBelief> Beliefs() => LetterDecision.OnTheBox(
        [.. _seen.Select(look => look.Belief).GroupBy(belief => belief.Coded).Select(letter => LetterDecision.Mean(letter.Key, [.. letter]))]);

    /// <summary>ln p of every letter and of none, given that it is one of them.</summary>
    private LetterBelief Believe(char coded, ReadOnlySpan<float> logits)
    {
        var logs = new double[LetterDecision.Letters];
        for (var i = 0; i < logs.Length; i++) logs[i] = logits[_start.Token((char)('a' + i))];
        var unseen = _start.CanBeUnseen ? logits[_start.Token(Message.Unseen)] : double.NegativeInfinity;
        var highest = Math.Max(unseen, logs.Max());
        var norm = highest + Math.Log(Math.Exp(unseen - highest) + logs.Sum(log => Math.Exp(log - highest)));
        return new LetterBelief(coded, Array.ConvertAll(logs, log => log - norm), unseen - norm);
    }
}
