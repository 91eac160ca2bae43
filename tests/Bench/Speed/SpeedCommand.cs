using System.CommandLine;
using System.Text.Json;
using Vlm.CommandLine;
using Vlm.Engine;

namespace Vlm.Bench.Speed;

/// <summary>What is timed.</summary>
/// <param name="Model">Folder of a package with a prompt.</param>
/// <param name="Engine">The library, the provider and the threads that run it.</param>
/// <param name="Tokens">Tokens that are written after the prompt in each round.</param>
/// <param name="Rounds">Rounds; each reads one picture and its prompt and writes.</param>
/// <param name="BufferGigabytes">The buffer that memory bandwidth is measured with, GB of 1e9 bytes.</param>
internal sealed record SpeedOptions(string Model, EngineOptions Engine, int Tokens, int Rounds, int BufferGigabytes);

/// <summary><c>speed</c>: how fast a package answers, and what share of the memory's bandwidth its decoder uses.</summary>
internal static class SpeedCommand
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public static Command Create()
    {
        var (model, engine, provider, threads) = (CheckedOption.Model(), CheckedOption.Engine(), CheckedOption.Provider(), CheckedOption.Threads());
        var tokens = CheckedOption.Positive("--tokens", "Tokens to write in a round.", 32, most: 4096);
        var rounds = CheckedOption.Positive("--rounds", "Rounds; bandwidth is measured before each.", 3, most: 1000);
        var buffer = CheckedOption.Positive("--buffer-gigabytes", "Size of the buffer that is read to measure bandwidth.", 1, most: 64);
        var results = ReportFolder.Option();
        var command = new Command("speed", "First token, prefill and decode of a package, its memory, and the machine's bandwidth in the same run.")
        {
            model, engine, provider, threads, tokens, rounds, buffer, results,
        };
        command.SetAction((parsed, stop) =>
        {
            var used = new EngineOptions
            {
                Kind = parsed.GetValue(engine),
                Provider = parsed.GetValue(provider),
                Threads = parsed.GetValue(threads),
            };
            var options = new SpeedOptions(
                parsed.GetRequiredValue(model), used, parsed.GetValue(tokens), parsed.GetValue(rounds), parsed.GetValue(buffer));
            Run(options, parsed.GetRequiredValue(results), stop);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Run(SpeedOptions options, string results, CancellationToken stop)
    {
        var figures = SpeedRun.Measure(options, stop);
        var markdown = figures.Markdown(ThisMachine.Line);
        Console.WriteLine(markdown);
        var name = $"speed-{figures.Model}-{figures.Engine}-{figures.Provider}-{figures.Threads}";
        Console.WriteLine($"Saved as {ReportFolder.Save(Path.Combine(results, ThisMachine.Folder), name, JsonSerializer.Serialize(figures, Json), markdown)}");
    }
}
