namespace Vlm.Edge.Cameras;

/// <summary>How long to leave a source alone after it failed.</summary>
internal static class Backoff
{
    /// <summary>At most.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <summary>A source that gave pictures for so long starts from the shortest pause again.</summary>
    public static readonly TimeSpan Forgiven = TimeSpan.FromSeconds(30);

    /// <summary>The pause: 1 s, doubled at every failure, and of that half to all, so that cameras behind one switch do not come back at once.</summary>
    /// <param name="failures">In a row, at least 1.</param>
    /// <param name="draw">From [0, 1).</param>
    public static TimeSpan Pause(int failures, double draw)
    {
        var whole = Math.Min(Longest.TotalSeconds, Math.Pow(2, Math.Min(failures - 1, 10)));
        return TimeSpan.FromSeconds(whole * (0.5 + (draw / 2)));
    }
}
