using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Puzzles;
using Vlm.Vision;

namespace Vlm.Trainer.Commands;

/// <summary><c>draw</c>: puzzles of a split as pictures with a <c>codes.csv</c>, as <c>solve</c> takes them.</summary>
internal static class DrawCommand
{
    public static Command Create()
    {
        var split = CheckedOption.Split("Which puzzles.", Split.Clean);
        var severity = CheckedOption.Severity(new SeverityRange(1, 3));
        var stratum = CheckedOption.Stratum();
        var count = CheckedOption.Positive("--count", "How many.", 10);
        var seed = new Option<long>("--seed") { Description = "Any number; the same gives the same puzzles in the same fonts.", DefaultValueFactory = _ => 1 };
        var target = new Option<string>("--to") { Description = "Folder to write to; pictures are added to those in it.", Required = true };
        var command = new Command("draw", "Draw puzzles to look at or to solve.") { split, severity, stratum, count, seed, target };
        command.SetAction(parsed =>
        {
            var range = parsed.GetValue(severity);
            var options = PuzzleOptions.For(parsed.GetValue(split), range.Low, range.High).Of(parsed.GetValue(stratum));
            Run(options, parsed.GetValue(count), parsed.GetValue(seed), parsed.GetRequiredValue(target));
        });
        return command;
    }

    private static void Run(PuzzleOptions options, int count, long seed, string target)
    {
        Directory.CreateDirectory(target);
        var codes = Path.Combine(target, "codes.csv");
        if (!File.Exists(codes)) File.WriteAllText(codes, "picture,code,answer,kind,severity\n");
        var source = new PuzzleSource(options, seed);
        for (var i = 0; i < count; i++)
        {
            var puzzle = source.At(i);
            var name = $"{Name(options.Split)}{(puzzle.Stratum == Stratum.Whole ? "" : $"-{Name(puzzle.Stratum)}")}-{seed}-{i:D3}.png";
            File.WriteAllBytes(Path.Combine(target, name), ImageCodec.EncodePng(puzzle.Picture));
            File.AppendAllText(codes, $"{name},{puzzle.Code},{puzzle.Answer},{puzzle.Kind},{puzzle.Severity}\n");
        }
        Console.WriteLine($"{count} pictures in {target}");
    }

    private static string Name<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
