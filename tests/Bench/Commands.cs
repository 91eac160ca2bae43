using System.CommandLine;
using BenchmarkDotNet.Running;
using Vlm.Bench.Quality;
using Vlm.Cryptogram;
using Vlm.Model;

namespace Vlm.Bench;

/// <summary>The command line of the benchmark harness.</summary>
/// <remarks>Exit codes: 0 done; 1 it could not be done or was stopped; 2 the command line is not understood.</remarks>
internal static class Commands
{
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
        catch (Exception e) when (e is ModelException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"error: {e.Message}");
            return 1;
        }
    }

    private static RootCommand Root() => new("Measures what a model package answers right, and how fast.") { QualityCommand(), MicroCommand() };

    private static Command QualityCommand()
    {
        var model = new Option<string>("--model") { Description = "Folder of a model package.", DefaultValueFactory = _ => "models/cryptogram-edge" };
        var count = new Option<int>("--count") { Description = "Puzzles of the split to solve.", DefaultValueFactory = _ => 5400 };
        var split = new Option<Split>("--split") { Description = "clean, vocabulary, letters, fonts or camera.", DefaultValueFactory = _ => Split.Clean };
        var batch = new Option<int>("--batch") { Description = "Puzzles per batch.", DefaultValueFactory = _ => 16 };
        var seed = new Option<long>("--seed") { Description = "Seed of the puzzles.", DefaultValueFactory = _ => 1 };
        var severity = new Option<SeverityRange>("--severity")
        {
            Description = "Camera severities, such as 2 or 1-3; 0 to 5.",
            DefaultValueFactory = _ => new SeverityRange(1, 3),
            CustomParser = result =>
            {
                if (SeverityRange.TryParse(result.Tokens[0].Value, out var range))
                    return range;
                result.AddError($"--severity is a number from 0 to 5 or a range such as 1-3, not '{result.Tokens[0].Value}'.");
                return default;
            },
        };
        RequirePositive(count);
        RequirePositive(batch);
        var command = new Command("quality", "Exact match of a package over an evaluation split. Stop it whenever you like: the same command goes on where it was.")
        {
            model, count, split, batch, seed, severity,
        };
        command.SetAction((result, stop) => Task.FromResult(Quality.QualityCommand.Run(
            new QualityOptions(result.GetRequiredValue(model), result.GetValue(split))
            {
                Count = result.GetValue(count),
                Batch = result.GetValue(batch),
                Seed = result.GetValue(seed),
                Severity = result.GetValue(severity),
            },
            stop)));
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
            BenchmarkSwitcher.FromAssembly(typeof(Commands).Assembly).Run(arguments.Length > 0 ? arguments : ["--filter", "*"]);
        });
        return command;
    }

    private static void RequirePositive(Option<int> option) => option.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int>() < 1)
            result.AddError($"{option.Name} must be at least 1.");
    });
}
