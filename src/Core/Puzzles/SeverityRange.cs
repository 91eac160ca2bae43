namespace Vlm.Puzzles;

/// <summary>Camera severities from the lowest to the highest.</summary>
/// <param name="Low">0 (as flat as a scan) to 5.</param>
/// <param name="High"><paramref name="Low"/> to 5.</param>
public readonly record struct SeverityRange(int Low, int High)
{
    /// <summary>The worst severity.</summary>
    public const int Highest = 5;

    /// <summary>Reads <c>2</c> or <c>1-3</c>.</summary>
    /// <returns>Whether it is one or two numbers in ascending order from 0 to <see cref="Highest"/>.</returns>
    public static bool TryParse(string text, out SeverityRange range)
    {
        ArgumentNullException.ThrowIfNull(text);
        range = default;
        var ends = text.Split('-');
        if (ends.Length > 2 || !int.TryParse(ends[0], out var low) || !int.TryParse(ends[^1], out var high)) return false;
        range = new SeverityRange(low, high);
        return low >= 0 && low <= high && high <= Highest;
    }

    /// <summary>As <see cref="TryParse"/> reads it.</summary>
    public override string ToString() => Low == High ? $"{Low}" : $"{Low}-{High}";
}
