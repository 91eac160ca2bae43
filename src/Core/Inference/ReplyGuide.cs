using Vlm.Statistics;

namespace Vlm.Inference;

/// <summary>
/// Holds one reply to its grammar, and decides the plain letters together once all of them were seen: the letters that are likeliest as a whole, none twice.
/// </summary>
/// <remarks>
/// Taken one after the other, a misread letter drives the rightful owner of its plain letter out as well. What the model sees of one pair hardly depends on what it
/// wrote of the others, so the distributions met on the way are those of the pairs, and the best bijection is an assignment problem.
/// </remarks>
internal sealed class ReplyGuide(ReplyState start)
{
    private const int Letters = 26;

    private readonly ReplyState _start = start;
    private readonly List<(char Coded, int Place, double[] Logs)> _seen = [];
    private readonly List<int> _tokens = [];
    private ReplyState _state = start;

    /// <summary>Whether the plain letters are final.</summary>
    public bool IsSettled { get; private set; }

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
    /// Once the last plain letter is written: decides all of them. Where that changes any, the reply is cut back to before the first change and held to the decision.
    /// </summary>
    /// <returns>How many tokens of the reply stay; null when all do. At most once for a reply.</returns>
    public int? Settle()
    {
        if (IsSettled || !_state.HasAllLetters) return null;
        IsSettled = true;
        var coded = _seen.Select(item => item.Coded).Distinct().ToArray();
        // The mean: occurrences of a letter are looks at the same pair, not independent evidence.
        var scores = Array.ConvertAll(coded, letter => Mean([.. _seen.Where(item => item.Coded == letter).Select(item => item.Logs)]));
        var best = coded.Zip(Assignment.Best(scores), (letter, plain) => (letter, plain: (char)('a' + plain))).ToDictionary(pair => pair.letter, pair => pair.plain);
        var changed = _seen.Where(item => _tokens[item.Place] != _start.Token(best[item.Coded])).Select(item => (int?)item.Place).FirstOrDefault();
        if (changed is not { } kept) return null;
        _tokens.RemoveRange(kept, _tokens.Count - kept);
        _state = _tokens.Aggregate(_start.With(best), (state, token) => state.After(token));
        return kept;
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

    private static double[] Mean(double[][] rows) => [.. Enumerable.Range(0, Letters).Select(i => rows.Average(row => row[i]))];
}
