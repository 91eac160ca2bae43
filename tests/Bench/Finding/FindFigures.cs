using Vlm.Finding;

namespace Vlm.Bench.Finding;

/// <summary>One frame and what the finder made of it.</summary>
/// <param name="Right">Where the sheet is; null without one.</param>
/// <param name="Sheet">Where it was found.</param>
/// <param name="Why">Why it was not.</param>
/// <param name="Width">Of the frame, in pixels.</param>
/// <param name="Time">Of the look, refinement and second look included.</param>
public sealed record FrameLook(Quad? Right, FoundSheet? Sheet, NotFound? Why, int Width, TimeSpan Time);

/// <summary>What a finder gets right.</summary>
/// <param name="Sheets">Frames with a sheet, and how many of them were found.</param>
/// <param name="Empty">Frames without, and in how many of them one was found all the same.</param>
/// <param name="Large">Sheets of at least a quarter of the frame's width, and how many of them were found.</param>
/// <param name="Missed">Why the others were not, by reason.</param>
/// <param name="Median">Greatest error of a found sheet's corners in shares of its diagonal, median.</param>
/// <param name="Worst">The same, 95th percentile.</param>
/// <param name="Milliseconds">Median of a look.</param>
public sealed record FindFigures(
    (int All, int Found) Sheets, (int All, int Found) Empty, (int All, int Found) Large, IReadOnlyDictionary<NotFound, int> Missed,
    double Median, double Worst, double Milliseconds)
{
    private const double LargeShare = 0.25;

    /// <summary>Judges looks.</summary>
    public static FindFigures Of(IReadOnlyList<FrameLook> looks)
    {
        FrameLook[] sheets = [.. looks.Where(look => look.Right is not null)], empty = [.. looks.Where(look => look.Right is null)];
        FrameLook[] large = [.. sheets.Where(look => look.Right!.Value.Sides.Across >= LargeShare * look.Width)];
        double[] errors = [.. sheets.Where(look => look.Sheet is not null)
            .Select(look => look.Sheet!.Corners.FurthestFrom(look.Right!.Value) / look.Right.Value.Diagonal).Order()];
        double[] times = [.. looks.Select(look => look.Time.TotalMilliseconds).Order()];
        return new FindFigures(
            Found(sheets), Found(empty), Found(large),
            sheets.Where(look => look.Why is not null).CountBy(look => look.Why!.Value).ToDictionary(),
            At(errors, 0.5), At(errors, 0.95), At(times, 0.5));
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"""
        sheets found: {Sheets.Found} of {Sheets.All}; of at least a quarter of the frame's width: {Large.Found} of {Large.All}
        not found because: {(Missed.Count == 0 ? "–" : string.Join(", ", Missed.Select(reason => $"{reason.Key} {reason.Value}")))}
        found where there is none: {Empty.Found} of {Empty.All}
        corners, greatest error in shares of the diagonal: median {Median:P2}, 95th percentile {Worst:P2}
        time of a look: median {Milliseconds:F1} ms
        """;

    private static (int All, int Found) Found(FrameLook[] looks) => (looks.Length, looks.Count(look => look.Sheet is not null));

    private static double At(double[] sorted, double share) => sorted.Length == 0 ? double.NaN : sorted[(int)(share * (sorted.Length - 1))];
}
