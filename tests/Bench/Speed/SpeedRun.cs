using System.Diagnostics;
using System.Numerics.Tensors;
using Vlm.Engine;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Solving;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Bench.Speed;

/// <summary>One round: a picture, a prompt, some tokens.</summary>
/// <param name="Bandwidth">Bytes per second, measured just before.</param>
/// <param name="PictureSeconds">Pixels to features.</param>
/// <param name="PromptTokens">Tokens of the prompt, the picture's among them.</param>
/// <param name="PrefillSeconds">From features and tokens to the first logits.</param>
/// <param name="StepSeconds">[tokens] of each further token.</param>
/// <param name="PeakBytes">The most that was resident.</param>
internal sealed record SpeedRound(
    double Bandwidth, double PictureSeconds, int PromptTokens, double PrefillSeconds, IReadOnlyList<double> StepSeconds, long PeakBytes);

/// <summary>Opens a package and times it, round by round.</summary>
internal static class SpeedRun
{
    private const long Gigabyte = 1_000_000_000;
    private const long Seed = 5;

    public static SpeedFigures Measure(SpeedOptions options, CancellationToken stop)
    {
        ProcessMemory.Forget();
        var began = Stopwatch.GetTimestamp();
        using var model = Engines.Open(options.Model, options.Engine);
        var opened = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var memory = ProcessMemory.Now();
        var threads = options.Engine.Threads > 0 ? options.Engine.Threads : Environment.ProcessorCount;
        Console.Error.WriteLine(model.Placement);
        var input = new SpeedInput(options.Model, model.Config);
        var rounds = new List<SpeedRound>();
        while (rounds.Count < options.Rounds && !stop.IsCancellationRequested)
        {
            var bandwidth = MemoryBandwidth.Measure(options.BufferGigabytes * Gigabyte, threads);
            ProcessMemory.Forget();
            rounds.Add(Round(model, input.At(rounds.Count), options.Tokens, bandwidth));
        }
        stop.ThrowIfCancellationRequested();
        var files = new DirectoryInfo(options.Model).EnumerateFiles("*", SearchOption.TopDirectoryOnly).ToList();
        return new SpeedFigures
        {
            Model = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Model))),
            Engine = options.Engine.Kind.ToString().ToLowerInvariant(),
            Provider = model.Placement.Provider.ToString().ToLowerInvariant(),
            Threads = threads,
            PackageBytes = files.Where(file => file.Name.Contains(".onnx", StringComparison.Ordinal)).Sum(file => file.Length),
            DecoderBytes = files.Where(file => file.Name.StartsWith(model.Config.Text.File, StringComparison.Ordinal)).Sum(file => file.Length),
            OpenSeconds = opened,
            OpenPeakBytes = memory.Peak,
            AnonymousBytes = memory.Anonymous,
            Rounds = rounds,
        };
    }

    private static SpeedRound Round(IVisionModel model, (Func<int, int[]> Ids, Patches Patches) asked, int tokens, double bandwidth)
    {
        var began = Stopwatch.GetTimestamp();
        using var picture = model.Encode(asked.Patches);
        var seen = Seconds();
        var prompt = Prompt.For(asked.Ids(picture.Tokens), [picture], model.Config);
        using var decoder = model.Allocate(rows: 1, prompt.Ids.Length + tokens);
        began = Stopwatch.GetTimestamp();
        decoder.Prefill([prompt]);
        var read = Seconds();
        var steps = new double[tokens];
        for (var i = 0; i < tokens; i++)
        {
            began = Stopwatch.GetTimestamp();
            decoder.Step([TensorPrimitives.IndexOfMax(decoder.Logits(0))]);
            steps[i] = Seconds();
        }
        return new SpeedRound(bandwidth, seen, prompt.Ids.Length, read, steps, ProcessMemory.Now().Peak);

        double Seconds() => Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    /// <summary>Drawn questions in the package's own words.</summary>
    private sealed class SpeedInput(string folder, PackageConfig config)
    {
        private readonly PuzzleSource _source = new(PuzzleOptions.For(Split.Clean), Seed);
        private readonly PictureConfig _pictures = ProcessorConfig.Load(Path.Combine(folder, config.ProcessorFile));
        private readonly Tokenizer _tokenizer = Tokenizer.Load(Path.Combine(folder, "tokenizer.json"));
        private readonly PromptTemplate _template = PromptTemplate.Load(Path.Combine(folder, "prompt.json"));

        public (Func<int, int[]> Ids, Patches Patches) At(int number)
        {
            var puzzle = _source.At(number);
            return (tokens => _tokenizer.Encode(_template.Text(puzzle.Code, tokens)), Patches.From(puzzle.Picture, _pictures));
        }
    }
}
