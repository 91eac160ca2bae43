using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Engine;
using Vlm.Puzzles;
using Vlm.Solving;

namespace Vlm.Edge.Calibrate;

/// <summary><c>calibrate</c>: labelled puzzles in, a certified gate.json and a report out.</summary>
internal static class CalibrateCommand
{
    private const int MostBatch = 256;

    private static readonly Option<string> Model = CheckedOption.Model(description: "The folder of a model package; gate.json is written into it.");

    private static readonly Option<double> Risk = CheckedOption.Probability("--risk", "The greatest share of wrong answers among the accepted ones.", 0.01);

    private static readonly Option<double> Confidence =
        CheckedOption.Probability("--confidence", "How sure the promise is over the draw of the puzzles.", 0.95);

    private static readonly Option<string?> Data = new("--data")
    {
        Description = "A folder with pictures and a codes.csv (columns picture, code, answer and, when known, severity and stratum), used whole. "
            + "Without it, puzzles are drawn.",
    };

    private static readonly Option<Split> DrawnSplit = CheckedOption.Split("What is drawn.", Split.Camera);

    private static readonly Option<SeverityRange> Severity = CheckedOption.Severity(new SeverityRange(0, 3));

    private static readonly Option<int> Count = CheckedOption.Positive("--count", "Whole pictures to draw.", 3000, 10_000_000);

    private static readonly Option<int> Reversed = CheckedOption.Positive("--reversed", "Pictures with reversed pairs to draw.", 600, 10_000_000);

    private static readonly Option<int> Unreadable =
        CheckedOption.Positive("--unreadable", "Pictures to draw of each stratum that cannot be read.", 1000, 10_000_000);

    private static readonly Option<int> Scenes = CheckedOption.NonNegative(
        "--scenes", "Whole sheets somewhere in a larger frame to draw; the same is promised of them, for themselves.", 1000, 10_000_000);

    private static readonly Option<IReadOnlyDictionary<Stratum, int?>> Strata = CheckedOption.StrataWithCounts(
        "--strata", "Kinds of pictures to draw, such as whole,empty:600: with a number where --count, --reversed and --unreadable say another one.");

    private static readonly Option<Stratum[]> Promised =
        CheckedOption.Strata("--promise", "Kinds of pictures that something is promised for; the others are measured and reported.");

    private static readonly Option<double> Coverage =
        CheckedOption.Probability("--coverage", "The share of the readable answers that is enough to accept: the gate is no more lenient than that.", 0.98);

    private static readonly Option<long> Seed = new("--seed")
    {
        Description = "Seed of the drawn puzzles and of their division. Not that of an evaluation, or the same puzzles are counted twice.",
        DefaultValueFactory = _ => 7001,
    };

    private static readonly Option<string?> Larger = new("--larger")
    {
        Description = "The folder of the larger package: measured on the report split, for the deferral curve and the system's accuracy.",
    };

    private static readonly Option<int> Batch = CheckedOption.Positive("--batch", "Puzzles solved together.", 16, MostBatch);

    private static readonly Option<int> Threads = CheckedOption.Threads();

    private static readonly Option<ProviderKind> Provider = CheckedOption.Provider();

    private static readonly Option<FindMode> Find = CheckedOption.Find();

    private static readonly Option<string> Finder = CheckedOption.Finder();

    private static readonly Option<string> Runs = new("--runs")
    {
        Description = "Where the report and the measured answers go.",
        DefaultValueFactory = _ => Path.Combine("runs", "calibrate"),
    };

    public static Command Create()
    {
        var command = new Command("calibrate", "Measure a package on labelled puzzles and certify how sure an answer must be to be used alone.")
        {
            Model, Risk, Confidence, Data, DrawnSplit, Severity, Strata, Promised, Coverage, Count, Reversed, Unreadable, Scenes, Seed, Larger, Batch, Threads,
            Provider, Find, Finder, Runs,
        };
        command.SetAction((result, cancellation) => Task.FromResult(new CalibrateRun(Read(result), TimeProvider.System).Run(cancellation)));
        return command;
    }

    private static CalibrateOptions Read(ParseResult result)
    {
        Option[] drawing = [DrawnSplit, Strata, Count, Reversed, Unreadable, Scenes];
        if (result.GetValue(Data) is not null && drawing.FirstOrDefault(option => result.GetResult(option) is { Implicit: false }) is { } drawn)
            throw new UsageException($"--data uses a folder whole; {drawn.Name} is for drawn puzzles. Leave one or the other out.");
        var strata = result.GetValue(Strata)!;
        if (!strata.ContainsKey(Stratum.Whole)) throw new UsageException("--strata lacks whole: confidence is learned on pictures that can be read.");
        if (!result.GetValue(Promised)!.Contains(Stratum.Whole))
            throw new UsageException("--promise lacks whole: what is promised first is for pictures that can be read.");

        return new CalibrateOptions
        {
            Model = ModelPlace.Locate(result.GetValue(Model)!),
            Risk = result.GetValue(Risk),
            // 1 - 0.95 is 0.05 to a person, but not in binary.
            Delta = Math.Round(1 - result.GetValue(Confidence), 12),
            Data = result.GetValue(Data),
            Split = result.GetValue(DrawnSplit),
            Severity = result.GetValue(Severity),
            Strata = [.. strata.Select(item => new StratumCount(item.Key, item.Value ?? result.GetValue(UsualCount(item.Key))))],
            Scenes = result.GetValue(Data) is null ? result.GetValue(Scenes) : 0,
            Promised = result.GetValue(Promised)!,
            Coverage = result.GetValue(Coverage),
            Seed = result.GetValue(Seed),
            Batch = result.GetValue(Batch),
            Engine = new EngineOptions { Provider = result.GetValue(Provider), Threads = result.GetValue(Threads) },
            Search = new SheetSearch(ModelPlace.Locate(result.GetValue(Finder)!), result.GetValue(Find)),
            Larger = result.GetValue(Larger) is { } larger ? ModelPlace.Locate(larger) : null,
            Runs = result.GetValue(Runs)!,
        };
    }

    private static Option<int> UsualCount(Stratum stratum) => stratum switch
    {
        Stratum.Whole => Count,
        Stratum.Reversed => Reversed,
        _ => Unreadable,
    };
}
