using System.CommandLine;
using System.Diagnostics;
using Vlm.CommandLine;
using Vlm.Engine.Ort;
using Vlm.Finding;
using Vlm.Puzzles;

namespace Vlm.Bench.Finding;

/// <summary><c>find</c>: does the sheet finder see sheets, and where?</summary>
internal static class FindCommand
{
    public static Command Create()
    {
        var finder = CheckedOption.Finder();
        var count = CheckedOption.Positive("--count", "Frames to look at; every other one shows no decoder.", 1000);
        var seed = new Option<long>("--seed") { Description = "Seed of the frames.", DefaultValueFactory = _ => 1 };
        var severity = CheckedOption.Severity(new SeverityRange(1, 3));
        var command = new Command(
            "find", "Presence, corners and time of the sheet finder on frames of the split `scene`, drawn in another style than it was trained on.")
        {
            finder, count, seed, severity,
        };
        command.SetAction((result, stop) =>
        {
            using var detector = new OnnxFinder(result.GetRequiredValue(finder));
            Console.WriteLine(Measure(detector, Frames(result.GetValue(severity), result.GetValue(seed)), result.GetValue(count), stop));
            return Task.CompletedTask;
        });
        return command;
    }

    private static Func<long, Puzzle> Frames(SeverityRange severity, long seed)
    {
        var options = PuzzleOptions.For(Split.Scene, severity.Low, severity.High);
        var (sheets, empty) = (new PuzzleSource(options, seed), new PuzzleSource(options.Of(Stratum.Empty), seed));
        return index => index % 2 == 0 ? sheets.At(index) : empty.At(index);
    }

    private static FindFigures Measure(OnnxFinder detector, Func<long, Puzzle> frames, int count, CancellationToken stop)
    {
        var finder = new SheetFinder(detector.Look);
        var looks = new List<FrameLook>(count);
        Progress.Run(new ProgressPlan("looking", count, "frames"), progress =>
        {
            for (var i = 0; i < count && !stop.IsCancellationRequested; i++)
            {
                var frame = frames(i);
                var start = Stopwatch.GetTimestamp();
                var (sheet, why) = finder.Find(frame.Picture);
                looks.Add(new FrameLook(Right(frame), sheet, why, frame.Picture.Width, Stopwatch.GetElapsedTime(start)));
                progress.Add(1);
            }
        });
        return FindFigures.Of(looks);
    }

    private static Quad? Right(Puzzle frame) =>
        frame.Corners is { } corners ? Quad.Upright([.. corners.Select(corner => ((double)corner.X, (double)corner.Y))]) : null;
}
