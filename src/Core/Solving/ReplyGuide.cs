namespace Vlm.Solving;

/// <summary>
/// Holds one reply to its grammar, and decides the plain letters together once all of them were seen: the letters that are likeliest as a whole, none twice.
/// </summary>
/// <remarks>
/// Taken one after the other, a misread letter drives the rightful owner of its plain letter out as well. What the model sees of one pair hardly depends on what it
/// wrote of the others, so the distributions met on the way are those of the pairs, and the best bijection is an assignment problem. Where a letter is in doubt the
/// model is asked for the letters outside the code too, in lines that are cut off again: whoever is surely read elsewhere cannot be the one in doubt.
/// </remarks>
internal sealed class ReplyGuide(ReplyState start)
{
    private const int TokensPerLine = 4;

    private readonly ReplyState _start = start;
    private readonly List<(char Coded, int Place, double[] Logs)> _seen = [];
    private readonly List<float[]> _lookedAt = [];
    private readonly List<int> _tokens = [];
    private ReplyState _state = start;
    private int? _asked;

    /// <summary>Whether the plain letters are final.</summary>
    public bool IsSettled { get; private set; } = start.IsDecided;

    /// <summary>What is believed of every letter asked for; empty until the letters are final.</summary>
    public IReadOnlyList<LetterBelief> Beliefs { get; private set; } = [];

    /// <summary>The letters of the code with what is believed of them; empty until they are final.</summary>
    public IReadOnlyList<DecidedLetter> Decided { get; private set; } = [];

    /// <summary>Where the model looked for each letter asked for; empty when that is not shown.</summary>
    public IReadOnlyList<float[]> LookedAt => _lookedAt;

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
        _seen.Add((_state.Open!.Value, _tokens.Count, LetterLogs(logits)));
        if (attention is not null) _lookedAt.Add(attention);
    }

    /// <summary>Goes on with a token.</summary>
    public void Take(int token)
    {
        _state = _state.After(token);
        _tokens.Add(token);
    }

    /// <summary>
    /// Once the last plain letter is written: decides all of them, or first asks for the letters outside the code. Lines that were only asked for, and lines that
    /// the decision changes, are cut off, and the reply is held to the decision.
    /// </summary>
    /// <param name="room">Tokens that there is room for: without enough of it the letters outside the code are not asked for.</param>
    /// <returns>How many tokens of the reply stay; null when all do. At most once for a reply.</returns>
    public int? Settle(int room)
    {
        if (IsSettled || !_state.HasAllLetters) return null;
        // The mean: occurrences of a letter are looks at the same pair, not independent evidence.
        LetterBelief[] beliefs = [.. _seen.GroupBy(item => item.Coded).Select(group => new LetterBelief(group.Key, LetterDecision.Mean([.. group.Select(item => item.Logs)])))];
        var rest = LetterDecision.Letters - beliefs.Length;
        if (_asked is null && rest is > 0 and < LetterDecision.Letters && room > TokensPerLine * rest && LetterDecision.IsInDoubt(beliefs))
        {
            (_asked, _state) = (_tokens.Count, _state.WithRestOfAlphabet());
            return null;
        }

        (IsSettled, Beliefs) = (true, beliefs);
        var decided = LetterDecision.Decide(beliefs);
        Decided = [.. decided.Where(letter => _start.IsInCode(letter.Coded))];
        var plain = decided.ToDictionary(letter => letter.Coded, letter => letter.Plain);
        var changed = _seen.Where(item => _tokens[item.Place] != _start.Token(plain[item.Coded])).Select(item => (int?)item.Place).FirstOrDefault();
        if ((changed is { } place && _asked is { } asked ? Math.Min(place, asked) : changed ?? _asked) is not { } kept) return null;
        _tokens.RemoveRange(kept, _tokens.Count - kept);
        _state = _tokens.Aggregate(_start.With(plain), (state, token) => state.After(token));
        return kept;
    }

    /// <summary>ln p of every letter, given that it is a letter.</summary>
    private double[] LetterLogs(ReadOnlySpan<float> logits)
    {
        var logs = new double[LetterDecision.Letters];
        for (var i = 0; i < logs.Length; i++) logs[i] = logits[_start.Token((char)('a' + i))];
        var highest = logs.Max();
        var norm = highest + Math.Log(logs.Sum(log => Math.Exp(log - highest)));
        return Array.ConvertAll(logs, log => log - norm);
    }
}
