using Vlm.Bench.Finding;
using Vlm.Finding;

namespace Vlm.Bench.Tests.Finding;

/// <summary>What is counted of a finder's looks.</summary>
public sealed class FindFiguresTests
{
    [Fact]
    public void Sheets_and_empty_frames_are_counted_apart_and_errors_are_in_shares_of_the_sheets_diagonal()
    {
        var (small, large) = (Square(0, 60), Square(100, 300));
        // The large one is off by 3 and 4 pixels at every corner: 5 of its diagonal of 300 · √2.
        FrameLook[] looks =
        [
            new(small, null, NotFound.Absent, 640, TimeSpan.FromMilliseconds(3)),
            new(large, new FoundSheet(Moved(large, 3, 4), 0.9, 0.01), null, 640, TimeSpan.FromMilliseconds(5)),
            new(null, new FoundSheet(small, 0.6, 0.01), null, 640, TimeSpan.FromMilliseconds(4)),
            new(null, null, NotFound.Absent, 640, TimeSpan.FromMilliseconds(2)),
        ];
        var figures = FindFigures.Of(looks);

        Assert.Equal(((2, 1), (2, 1), (1, 1)), (figures.Sheets, figures.Empty, figures.Large));
        Assert.Equal(1, figures.Missed[NotFound.Absent]);
        Assert.Equal(5 / (300 * Math.Sqrt(2)), figures.Median, 1e-9);
        Assert.Contains("found where there is none: 1 of 2", figures.ToString(), StringComparison.Ordinal);
    }

    private static Quad Square(double at, double side) => new((at, at), (at + side, at), (at + side, at + side), (at, at + side));

    private static Quad Moved(Quad quad, double x, double y)
    {
        var corners = quad.Corners.Select(corner => (corner.X + x, corner.Y + y)).ToArray();
        return new Quad(corners[0], corners[1], corners[2], corners[3]);
    }
}
