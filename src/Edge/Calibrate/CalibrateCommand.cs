using System.CommandLine;
using System.CommandLine.Parsing;
using Vlm.Edge.Solve;
using Vlm.Gating;
using Vlm.Package;
using Vlm.Puzzles;

namespace Vlm.Edge.Calibrate;

/// <summary><c>calibrate</c>: labelled puzzles in, a certified gate.json and a report out.</summary>
internal static class CalibrateCommand
{
    private const int MostBatch = 256;
    private static readonly string[] Splits = ["clean", "vocabulary", "letters", "fonts", "camera"];

    private static readonly Option<string> Model = new("--model")
    {
        Description = "The folder of a model package; gate.json is written into it.",
        DefaultValueFactory = _ => "models/cryptogram-edge",
    };

    private static readonly Option<double> Risk = Probability("--risk", "The greatest share of wrong answers among the accepted ones.", 0.01);

    private static readonly Option<double> Confidence = Probability("--confidence", "How sure the promise is over the draw of the puzzles.", 0.95);

    private static readonly Option<string?> Data = new("--data")
    {
        Description = "A folder with pictures and a codes.csv (columns picture, code, answer and, when known, severity), used whole. Without it, puzzles are drawn.",
    };

    private static readonly Option<Split> DrawnSplit = new("--split")
    {
        HelpName = "split",
        Description = $"What is drawn: {string.Join(", ", Splits)}.",
        DefaultValueFactory = _ => Split.Camera,
        CustomParser = result => Splits.Contains(result.Tokens[0].Value)
            ? Enum.Parse<Split>(result.Tokens[0].Value, ignoreCase: true)
            : Refuse<Split>(result, $"--split is one of {string.Join(", ", Splits)}, not '{result.Tokens[0].Value}'."),
    };

    private static readonly Option<SeverityRange> Severity = new("--severity")
    {
        HelpName = "severity",
        Description = "Camera severities, such as 2 or 0-3; 0 to 5.",
        DefaultValueFactory = _ => new SeverityRange(0, 3),
        CustomParser = result => SeverityRange.TryParse(result.Tokens[0].Value, out var range)
            ? range
            : Refuse<SeverityRange>(result, $"--severity is a number from 0 to 5 or a range such as 0-3, not '{result.Tokens[0].Value}'."),
    };

    private static readonly Option<int> Count = Number("--count", "Puzzles to draw.", 5000, 10_000_000);

    private static readonly Option<long> Seed = new("--seed")
    {
        Description = "Seed of the drawn puzzles and of their division. Not that of an evaluation, or the same puzzles are counted twice.",
        DefaultValueFactory = _ => 7001,
    };

    private static readonly Option<string?> Larger = new("--larger")
    {
        Description = "The folder of the larger package: measured on the report split, for the deferral curve and the system's accuracy.",
    };

    private static readonly Option<int> Batch = Number("--batch", "Puzzles solved together.", 16, MostBatch);

    private static readonly Option<int> Threads = new("--threads")
    {
        Description = "Processor threads; by default all that this process may use.",
        DefaultValueFactory = _ => 0,
    };

    private static readonly Option<string> Runs = new("--runs")
    {
        Description = "Where the report and the measured answers go.",
        DefaultValueFactory = _ => Path.Combine("runs", "calibrate"),
    };

    public static Command Create()
    {
        var command = new Command("calibrate", "Measure a package on labelled puzzles and certify how sure an answer must be to be used alone.")
        {
            Model, Risk, Confidence, Data, DrawnSplit, Severity, Count, Seed, Larger, Batch, Threads, Runs,
        };
        command.SetAction((result, cancellation) => Task.FromResult(Run(result, cancellation)));
        return command;
    }

    private static int Run(ParseResult result, CancellationToken cancellation)
    {
        try
        {
            return new CalibrateRun(Options(result), TimeProvider.System).Run(cancellation);
        }
        catch (UsageException e)
        {
            return Fail(e.Message, ExitCode.WrongUsage);
        }
        catch (Exception e) when (e is ModelException or GateException or IOException or UnauthorizedAccessException or ArithmeticException)
        {
            return Fail(e.Message, ExitCode.Failed);
        }
        catch (AggregateException e) when (e.InnerException is IOException or UnauthorizedAccessException)
        {
            // One of several pictures that are read at the same time.
            return Fail(e.InnerException.Message, ExitCode.Failed);
        }
        catch (OperationCanceledException)
        {
            return Fail("Interrupted. What was measured is kept: the same command goes on from there.", ExitCode.Interrupted);
        }
    }

    private static CalibrateOptions Options(ParseResult result)
    {
        var threads = result.GetValue(Threads);
        if (threads is < 0 or > 1024) throw new UsageException($"--threads is {threads}; it is 0 (all) to 1024.");
        if (result.GetValue(Data) is not null && (result.GetResult(DrawnSplit) is { Implicit: false } || result.GetResult(Count) is { Implicit: false }))
            throw new UsageException("--data uses a folder whole; --split and --count are for drawn puzzles. Leave one or the other out.");
        return new CalibrateOptions
        {
            Model = ModelPlace.Locate(result.GetValue(Model)!),
            Risk = result.GetValue(Risk),
            // 1 - 0.95 is 0.05 to a person, but not in binary.
            Delta = Math.Round(1 - result.GetValue(Confidence), 12),
            Data = result.GetValue(Data),
            Split = result.GetValue(DrawnSplit),
            Severity = result.GetValue(Severity),
            Count = result.GetValue(Count),
            Seed = result.GetValue(Seed),
            Batch = result.GetValue(Batch),
            Threads = threads,
            Larger = result.GetValue(Larger) is { } larger ? ModelPlace.Locate(larger) : null,
            Runs = result.GetValue(Runs)!,
        };
    }

    private static Option<double> Probability(string name, string description, double value)
    {
        var option = new Option<double>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (> 0 and < 1)) result.AddError($"{name} is above 0 and below 1.");
        });
        return option;
    }

    private static Option<int> Number(string name, string description, int value, int most)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1 || result.GetValueOrDefault<int>() > most) result.AddError($"{name} is 1 to {most}.");
        });
        return option;
    }

    private static T Refuse<T>(ArgumentResult result, string message)
        where T : struct
    {
        result.AddError(message);
        return default;
    }

    private static int Fail(string message, int code)
    {
        Console.Error.WriteLine(message);
        return code;
    }
}
