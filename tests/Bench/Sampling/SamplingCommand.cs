using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Vlm.CommandLine;
using Vlm.Engine;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Solving;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Bench.Sampling;

/// <summary>What is sampled.</summary>
/// <param name="Model">Folder of a package.</param>
/// <param name="Prompts">Prompts per batch.</param>
/// <param name="Samples">Completions per prompt.</param>
/// <param name="Batches">Batches that are timed, after one that is not.</param>
/// <param name="Output">File for tokens and log-probabilities, JSON lines; null: none.</param>
internal sealed record SamplingOptions(string Model, int Prompts, int Samples, int Batches, string? Output);

/// <summary>How fast an engine samples completions for reinforcement learning: groups from one prefill at temperature 1, one thread.</summary>
internal static class SamplingCommand
{
    private const int MostTokens = 240;
    private const long Seed = 11;

    public static Command Create()
    {
        var model = CheckedOption.Model();
        var prompts = CheckedOption.Positive("--prompts", "Prompts per batch.", 8);
        var samples = CheckedOption.Positive("--samples", "Completions per prompt.", 8);
        var batches = CheckedOption.Positive("--batches", "Batches to time.", 4);
        var output = new Option<string?>("--output") { Description = "File for tokens and log-probabilities, JSON lines." };
        var command = new Command("sampling", "Completions per second at temperature 1, groups from one prefill, on one thread.")
        {
            model, prompts, samples, batches, output,
        };
        command.SetAction((result, stop) =>
        {
            var options = new SamplingOptions(
                result.GetRequiredValue(model), result.GetValue(prompts), result.GetValue(samples), result.GetValue(batches), result.GetValue(output));
            return Task.FromResult(Run(options, stop));
        });
        return command;
    }

    private static int Run(SamplingOptions options, CancellationToken stop)
    {
        using var vlm = Engines.Open(options.Model, new EngineOptions { Threads = 1 });
        using var decoder = vlm.Allocate(options.Prompts * options.Samples);
        var pictures = ProcessorConfig.Load(Path.Combine(options.Model, vlm.Config.ProcessorFile));
        var tokenizer = Tokenizer.Load(Path.Combine(options.Model, "tokenizer.json"));
        var template = PromptTemplate.Load(Path.Combine(options.Model, "prompt.json"));
        var source = new PuzzleSource(PuzzleOptions.For(Split.Train), Seed);
        using var output = options.Output is null ? null : new StreamWriter(options.Output);
        var (wall, cpu, tokens) = (TimeSpan.Zero, TimeSpan.Zero, 0L);
        for (var batch = 0; batch <= options.Batches && !stop.IsCancellationRequested; batch++)
        {
            var drawn = Enumerable.Range(0, options.Prompts).Select(p => Number(batch, p)).Select(n => (Number: n, Puzzle: source.At(n)))
                .Select(p => (p.Number, p.Puzzle.Code, Patches: Patches.From(p.Puzzle.Picture, pictures))).OrderBy(p => p.Code.Length).ToList();
            var (began, used) = (Stopwatch.GetTimestamp(), Process.GetCurrentProcess().TotalProcessorTime);
            var prompts = drawn.Select(p =>
            {
                var features = vlm.Encode(p.Patches);
                return Prompt.For(tokenizer.Encode(template.Text(p.Code, features.Tokens)), [features], vlm.Config);
            }).ToList();
            var generations = Generator.Generate(decoder, prompts, Options(options, vlm, batch), stop);
            if (batch > 0) (wall, cpu) = (wall + Stopwatch.GetElapsedTime(began), cpu + Process.GetCurrentProcess().TotalProcessorTime - used);
            if (batch > 0) tokens += generations.Sum(g => g.Sum(s => s.Choices.Count));
            foreach (var features in prompts.SelectMany(p => p.Pictures)) features.Dispose();
            foreach (var (prompt, group) in drawn.Zip(generations)) Write(output, prompt.Number, group);
        }
        var completions = (double)options.Prompts * options.Samples * options.Batches;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{options.Model}: {completions / wall.TotalSeconds:F1} completions/s, {completions / cpu.TotalSeconds:F1} per CPU second, " +
            $"{tokens / cpu.TotalSeconds:F0} tokens per CPU second; {ThisMachine.Line}"));
        return stop.IsCancellationRequested ? ExitCode.Interrupted : ExitCode.Success;

        long Number(int batch, int prompt) => (long)batch * options.Prompts + prompt;
    }

    private static GenerationOptions Options(SamplingOptions options, IVisionModel vlm, int batch) => new()
    {
        MaxTokens = MostTokens,
        StopTokens = vlm.Config.EosTokenIds,
        Samples = options.Samples,
        Sampling = new Engine.Sampling { Temperature = 1, Seed = (ulong)batch },
    };

    private static void Write(StreamWriter? output, long number, IReadOnlyList<Generation> group)
    {
        foreach (var sample in group)
        {
            output?.WriteLine(JsonSerializer.Serialize(
                new { puzzle = number, ids = sample.Choices.Select(c => c.Token), log_probabilities = sample.Choices.Select(c => c.LogProbability) }));
        }
    }
}
