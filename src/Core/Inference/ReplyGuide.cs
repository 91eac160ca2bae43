using Vlm.Statistics;

namespace Vlm.Inference;

/// <summary>A plain letter that was decided together with the others.</summary>
/// <param name="Coded">The coded letter.</param>
/// <param name="Plain">The plain letter.</param>
/// <param name="LogProbability">Natural logarithm of the belief in it, given that no two coded letters share a plain one.</param>
public readonly record struct DecidedLetter(char Coded, char Plain, double LogProbability);

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
    private const int Letters = 26;
    private const int TokensPerLine = 4;

    /// <summary>A letter less probable than this is in doubt. Asking costs four tokens per letter outside the code; most replies to clear pictures have no doubt.</summary>
    private const double Sure = 0.995;

    private readonly ReplyState _start = start;
    private readonly List<(char Coded, int Place, double[] Logs)> _seen = [];
    private readonly List<int> _tokens = [];
    private ReplyState _state = start;
    private int? _asked;

    /// <summary>Whether the plain letters are final.</summary>
    public bool IsSettled { get; private set; }

    /// <summary>The letters of the code with what is believed of them; empty until they are final.</summary>
    public IReadOnlyList<DecidedLetter> Decided { get; private set; } = [];

    /// <inheritdoc cref="ReplyState.Allowed"/>
    public IReadOnlyList<int> Allowed() => _state.Allowed();

    /// <summary>Takes note of what the model thinks at the next place.</summary>
    public void Look(ReadOnlySpan<float> logits)
    {
        if (!IsSettled && _state.Open is { } coded) _seen.Add((coded, _tokens.Count, LetterLogs(logits)));
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
        var beliefs = _seen.GroupBy(item => item.Coded).Select(group => (Coded: group.Key, Logs: Mean([.. group.Select(item => item.Logs)]))).ToArray();
        if (_asked is null && beliefs.Length is > 0 and < Letters && room > TokensPerLine * (Letters - beliefs.Length) && IsInDoubt(beliefs))
        {
            (_asked, _state) = (_tokens.Count, _state.WithRestOfAlphabet());
            return null;
        }

        IsSettled = true;
        var best = Assignment.Best([.. beliefs.Select(belief => belief.Logs)]);
        var plain = beliefs.Zip(best).ToDictionary(pair => pair.First.Coded, pair => (char)('a' + pair.Second));
        Decided = Believed(beliefs, best);
        var changed = _seen.Where(item => _tokens[item.Place] != _start.Token(plain[item.Coded])).Select(item => (int?)item.Place).FirstOrDefault();
        if ((changed is { } place && _asked is { } asked ? Math.Min(place, asked) : changed ?? _asked) is not { } kept) return null;
        _tokens.RemoveRange(kept, _tokens.Count - kept);
        _state = _tokens.Aggregate(_start.With(plain), (state, token) => state.After(token));
        return kept;
    }

    private static bool IsInDoubt((char Coded, double[] Logs)[] beliefs)
    {
        int[] first = Array.ConvertAll(beliefs, belief => Array.IndexOf(belief.Logs, belief.Logs.Max()));
        return first.Distinct().Count() < first.Length || beliefs.Any(belief => belief.Logs.Max() < Math.Log(Sure));
    }

    /// <summary>With the whole alphabet seen the beliefs are balanced; otherwise they were sure already.</summary>
    private DecidedLetter[] Believed((char Coded, double[] Logs)[] beliefs, int[] best)
    {
        var balanced = beliefs.Length == Letters ? Sinkhorn.Balance([.. beliefs.Select(belief => belief.Logs)]) : null;
        return [.. beliefs.Select((belief, i) => new DecidedLetter(belief.Coded, (char)('a' + best[i]), balanced is null ? belief.Logs[best[i]] : Math.Log(balanced[i][best[i]])))
            .Where(letter => _start.IsInCode(letter.Coded))];
    }

    /// <summary>ln p of every letter, given that it is a letter.</summary>
    private double[] LetterLogs(ReadOnlySpan<float> logits)
    {
        var logs = new double[Letters];
        for (var i = 0; i < Letters; i++) logs[i] = logits[_start.Token((char)('a' + i))];
        var highest = logs.Max();
        var norm = highest + Math.Log(logs.Sum(log => Math.Exp(log - highest)));
        return Array.ConvertAll(logs, log => log - norm);
    }

    // The mean: occurrences of a letter are looks at the same pair, not independent evidence.
    private static double[] Mean(double[][] rows) => [.. Enumerable.Range(0, Letters).Select(i => rows.Average(row => row[i]))];
}
