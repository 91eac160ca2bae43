using Vlm.Cryptogram;

namespace Vlm.Bench.Quality;

/// <summary>What a quality run measures.</summary>
/// <param name="Model">Folder of the package.</param>
/// <param name="Split">An evaluation split.</param>
public sealed record QualityOptions(string Model, Split Split)
{
    public required int Count { get; init; }

    public required int Batch { get; init; }

    public required long Seed { get; init; }

    /// <summary>Of camera pictures; without meaning for other splits.</summary>
    public required SeverityRange Severity { get; init; }

    /// <summary>Whether replies are held to their layout, as the box does it.</summary>
    public required bool IsConstrained { get; init; }

    /// <summary>Folder of the reports; each processor has its own in it.</summary>
    public required string Results { get; init; }
}

/// <summary>Camera severities from the lowest to the highest, 0 to 5.</summary>
public readonly record struct SeverityRange(int Low, int High)
{
    private const int Highest = 5;

    /// <summary>Reads <c>2</c> or <c>1-3</c>.</summary>
    public static bool TryParse(string text, out SeverityRange range)
    {
        range = default;
        string[] ends = text.Split('-');
        if (ends.Length > 2 || !int.TryParse(ends[0], out int low) || !int.TryParse(ends[^1], out int high))
            return false;
        range = new SeverityRange(low, high);
        return low >= 0 && low <= high && high <= Highest;
    }

    public override string ToString() => Low == High ? $"{Low}" : $"{Low}-{High}";
}
