using Vlm.Finding;
using Vlm.Puzzles;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Core.Tests.Finding;

/// <summary>Finding a sheet with a detector that is right but for its noise: everything around the network.</summary>
public sealed class SheetFinderTests
{
    private static readonly Puzzle[] Scenes = [.. Draw(24)];

    [Fact]
    public void A_detector_that_is_off_by_two_percent_gives_corners_within_one_percent_of_the_diagonal_mostly()
    {
        var errors = new List<double>();
        foreach (var (scene, i) in Scenes.Select((scene, i) => (scene, i)))
        {
            var right = Corners(scene);
            var rng = SeededRandom.From(5, i);
            double Off() => rng.Uniform(-0.014f, 0.014f) * right.Diagonal;
            var rough = right.Corners.Select(corner => (corner.X + Off(), corner.Y + Off())).ToArray();
            var refined = EdgeRefinement.Refine(scene.Picture, new Quad(rough[0], rough[1], rough[2], rough[3]), 0.04 * right.Diagonal);
            errors.Add(refined.FurthestFrom(right) / right.Diagonal);
        }

        errors.Sort();
        TestContext.Current.TestOutputHelper?.WriteLine($"median {errors[12]:P2}, 90 % {errors[21]:P2}, worst {errors[^1]:P2}");
        Assert.InRange(errors[12], 0, 0.006);
        Assert.InRange(errors[19], 0, 0.012);
    }

    [Fact]
    public void A_rectified_sheet_stands_upright_with_its_corners_where_it_says()
    {
        foreach (var scene in Scenes)
        {
            var corners = Corners(scene);
            var cut = Rectified.Of(scene.Picture, corners, 0.1);

            Assert.InRange(cut.Sheet.Tilt, -1e-9, 1e-9);
            Assert.True(cut.Sheet.IsSheet);
            Assert.InRange(cut.Sheet.Sides.Across / corners.Sides.Across, 0.9, 1.01);
            Assert.InRange(cut.Sheet.A.X / cut.Sheet.Sides.Across, 0.09, 0.11);
        }
    }

    [Fact]
    public void Corners_in_any_order_come_out_in_the_order_that_begins_at_the_top_left()
    {
        foreach (var turn in Enumerable.Range(0, 36).Select(i => (i * 10) + 3))
        {
            var (sin, cos) = Math.SinCos(turn * Math.PI / 180);
            (double X, double Y)[] sheet = [(-3, -2), (3, -2), (3, 2), (-3, 2)];
            var seen = sheet.Select(corner => (100 + (corner.X * cos) - (corner.Y * sin), 100 + (corner.X * sin) + (corner.Y * cos))).ToArray();
            var quad = Quad.Upright(seen);

            Assert.InRange(quad.Tilt, -45.001, 45.001);
            Assert.InRange(quad.Area, 23.9, 24.1);
            Assert.All(Enumerable.Range(0, 4), i => Assert.Equal(quad, Quad.Upright([.. seen.Skip(i), .. seen.Take(i)])));
        }
    }

    [Fact]
    public void A_quadrilateral_that_crosses_itself_or_is_a_strip_is_no_sheet()
    {
        Assert.False(new Quad((0, 0), (10, 10), (10, 0), (0, 10)).IsSheet);
        Assert.False(new Quad((0, 0), (100, 0), (100, 10), (0, 10)).IsSheet);
        Assert.True(new Quad((0, 0), (20, 1), (19, 12), (0, 10)).IsSheet);
    }

    [Fact]
    public void A_frame_is_seen_whole_and_points_come_back_where_they_were()
    {
        foreach (var (width, height) in new[] { (640, 480), (1920, 1080), (480, 640), (100, 90), (5, 300) })
        {
            var input = FinderInput.Of(new RgbImage(width, height, new byte[width * height * 3]));
            var (x, y) = input.ToShares((0.3f * width, 0.8f * height));
            var back = input.ToFrame(x, y);

            Assert.InRange(x, 0, 1);
            Assert.InRange(y, 0, 1);
            Assert.Equal(0.3 * width, back.X, 0.01 * width);
            Assert.Equal(0.8 * height, back.Y, 0.01 * height);
            Assert.Contains(-1f, input.Values);
        }
    }

    [Fact]
    public void What_the_detector_does_not_see_or_does_not_see_again_is_not_given_and_says_why()
    {
        var scene = Scenes[0];
        var right = FinderInput.Of(scene.Picture);
        var shares = Corners(scene).Corners.Select(corner => right.ToShares(((float)corner.X, (float)corner.Y)));
        float[] corners = [.. shares.SelectMany(share => new[] { share.X, share.Y })];
        FinderOutput Says(float presence) => new(corners, [1, 1, 1, 1], [presence, 1, 1, 1, 1]);
        var looks = 0;

        var absent = new SheetFinder(_ => Says(0.2f)).Find(scene.Picture);
        // The same shares in the second picture are not where the sheet is in it.
        var unsteady = new SheetFinder(_ => Says(looks++ == 0 ? 0.9f : 0.1f)).Find(scene.Picture);
        var large = new SheetFinder(_ => Says(0.9f)).Find(scene.Picture, largest: 0.001);
        var crossed = new SheetFinder(_ => new FinderOutput([0, 0, 1, 1, 1, 0, 0, 1], [1, 1, 1, 1], [1, 1, 1, 1, 1])).Find(scene.Picture);

        Assert.Equal((null, NotFound.Absent), absent);
        Assert.Equal((null, NotFound.Unsteady), unsteady);
        Assert.Equal((null, NotFound.TooLarge), large);
        Assert.Equal((null, NotFound.NoSheet), crossed);
    }

    private static Quad Corners(Puzzle scene) => Quad.Upright([.. scene.Corners!.Select(corner => ((double)corner.X, (double)corner.Y))]);

    private static IEnumerable<Puzzle> Draw(int count)
    {
        var source = new PuzzleSource(PuzzleOptions.For(Split.Scene, 1, 2), 31);
        return Enumerable.Range(0, 200).Select(index => source.At(index)).Where(scene => Corners(scene).Diagonal > 160).Take(count);
    }
}
