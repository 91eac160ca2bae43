using System.CommandLine;
using System.CommandLine.Parsing;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Vlm.Bench.Cascade;
using Vlm.Bench.Quality;
using Vlm.Gating;
using Vlm.Package;
using Vlm.Puzzles;

namespace Vlm.Bench;

/// <summary>The command line of the benchmark harness.</summary>
/// <remarks>Exit codes: 0 done; 1 it could not be done or was stopped; 2 the command line is not understood.</remarks>
public static class Commands
{
    private static readonly string[] EvaluationSplits = ["clean", "vocabulary", "letters", "fonts", "camera"];

    public static async Task<int> Run(string[] args)
    {
        var parsed = Root().Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                await Console.Error.WriteLineAsync($"error: {error.Message}");
            await Console.Error.WriteLineAsync("Say --help for what can be said.");
            return 2;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (Exception e) when (e is ModelException or GateException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"error: {e.Message}");
            return 1;
        }
    }

    private static RootCommand Root() => new("Measures what a model package answers right, and how fast.")
    {
        QualityCommand(), CascadeVerb(), SamplingCommand(), MicroCommand(), ServeLoad.ServeLoadCommand.Create(),
    };

    private static Command QualityCommand()
    {
        var model = new Option<string>("--model") { Description = "Folder of a model package.", DefaultValueFactory = _ => "models/cryptogram-edge" };
        var count = Positive("--count", "Puzzles of the split to solve.", 5400);
        var batch = Positive("--batch", "Puzzles per batch.", 16);
        var seed = new Option<long>("--seed") { Description = "Seed of the puzzles.", DefaultValueFactory = _ => 1 };
        var (split, severity) = SplitOptions();
        var free = new Option<bool>("--free") { Description = "Leave the model free: take the most probable token even where it breaks a rule of the cipher or of the reply's layout." };
        var results = new Option<string>("--results") { Description = "Where the report goes, in a folder for this processor.", DefaultValueFactory = _ => "tests/Bench/Results" };
        var command = new Command("quality", "Exact match of a package over an evaluation split. Stop it whenever you like: the same command goes on where it was.")
        {
            model, count, split, batch, seed, severity, free, results,
        };
        command.SetAction((result, stop) => Task.FromResult(Quality.QualityCommand.Run(
            new QualityOptions(result.GetRequiredValue(model), result.GetValue(split))
            {
                Count = result.GetValue(count),
                Batch = result.GetValue(batch),
                Seed = result.GetValue(seed),
                Severity = result.GetValue(severity),
                IsConstrained = !result.GetValue(free),
                Results = result.GetRequiredValue(results),
            },
            stop)));
        return command;
    }

    private static Command CascadeVerb()
    {
        var edge = new Option<string>("--edge") { Description = "Folder of the small model's package, with its gate.", DefaultValueFactory = _ => "models/cryptogram-edge" };
        var larger = new Option<string>("--larger") { Description = "Folder of the larger model's package.", DefaultValueFactory = _ => "models/cryptogram-escalation" };
        var count = Positive("--count", "Puzzles of the split to solve.", 1000);
        var seed = new Option<long>("--seed") { Description = "Seed of the puzzles.", DefaultValueFactory = _ => 1 };
        var (split, severity) = SplitOptions();
        var results = new Option<string>("--results") { Description = "Where the report goes, in a folder for this processor.", DefaultValueFactory = _ => "tests/Bench/Results" };
        var command = new Command("cascade", "Accuracy, escalated share, latency and bytes of edge, cascade and larger model alone. Stop it whenever you like: the same command goes on where it was.")
        {
            edge, larger, count, seed, split, severity, results,
        };
        command.SetAction((result, stop) => Task.FromResult(CascadeCommand.Run(
            new CascadeOptions(result.GetRequiredValue(edge), result.GetRequiredValue(larger), result.GetValue(split))
            {
                Count = result.GetValue(count),
                Seed = result.GetValue(seed),
                Severity = result.GetValue(severity),
                Results = result.GetRequiredValue(results),
            },
            stop)));
        return command;
    }

    private static (Option<Split> Split, Option<SeverityRange> Severity) SplitOptions()
    {
        var split = new Option<Split>("--split")
        {
            HelpName = "split",
            Description = $"One of {string.Join(", ", EvaluationSplits)}.",
            DefaultValueFactory = _ => Split.Clean,
            CustomParser = result => EvaluationSplits.Contains(result.Tokens[0].Value)
                ? Enum.Parse<Split>(result.Tokens[0].Value, ignoreCase: true)
                : Refuse<Split>(result, $"--split is one of {string.Join(", ", EvaluationSplits)}, not '{result.Tokens[0].Value}'."),
        };
        var severity = new Option<SeverityRange>("--severity")
        {
            Description = "Camera severities, such as 2 or 1-3; 0 to 5.",
            DefaultValueFactory = _ => new SeverityRange(1, 3),
            CustomParser = result => SeverityRange.TryParse(result.Tokens[0].Value, out var range)
                ? range
                : Refuse<SeverityRange>(result, $"--severity is a number from 0 to 5 or a range such as 1-3, not '{result.Tokens[0].Value}'."),
        };
        return (split, severity);
    }

    private static Command SamplingCommand()
    {
        var model = new Option<string>("--model") { Description = "Folder of a model package.", DefaultValueFactory = _ => "models/cryptogram-edge" };
        var prompts = Positive("--prompts", "Prompts per batch.", 8);
        var samples = Positive("--samples", "Completions per prompt.", 8);
        var batches = Positive("--batches", "Batches to time.", 4);
        var output = new Option<string?>("--output") { Description = "File for tokens and log-probabilities, JSON lines." };
        var command = new Command("sampling", "Completions per second at temperature 1, groups from one prefill, on one thread.") { model, prompts, samples, batches, output };
        command.SetAction((result, stop) => Task.FromResult(Sampling.SamplingCommand.Run(
            new Sampling.SamplingOptions(result.GetRequiredValue(model), result.GetValue(prompts), result.GetValue(samples), result.GetValue(batches), result.GetValue(output)), stop)));
        return command;
    }

    private static Command MicroCommand()
    {
        var rest = new Argument<string[]>("arguments") { Description = "Given to BenchmarkDotNet, such as --filter '*Patches*'.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("micro", "Times single steps with BenchmarkDotNet.") { rest };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(result =>
        {
            string[] arguments = [.. result.GetValue(rest) ?? [], .. result.UnmatchedTokens];
            // In this process: a project that BenchmarkDotNet generates and builds would not find the central package versions.
            var config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance));
            BenchmarkSwitcher.FromAssembly(typeof(Commands).Assembly).Run(arguments.Length > 0 ? arguments : ["--filter", "*"], config);
        });
        return command;
    }

    private static Option<int> Positive(string name, string description, int usual) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => usual,
        CustomParser = result => int.TryParse(result.Tokens[0].Value, out int value) && value > 0
            ? value
            : Refuse<int>(result, $"{name} is a whole number of at least 1, not '{result.Tokens[0].Value}'."),
    };

    private static T? Refuse<T>(ArgumentResult result, string message)
    {
        result.AddError(message);
        return default;
    }
}
