using System.Diagnostics;
using Vlm.Cryptogram;
using Vlm.Engine;
using Vlm.Export.Options;
using Vlm.Export.Package;
using Vlm.Model;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Solving;
using Vlm.Text;
using Vlm.Trainer.Config;
using Vlm.Vision;

namespace Vlm.Parity.Tests;

/// <summary>The shipped checkpoint in TorchSharp, in exported float32 ONNX and in the smaller precisions.</summary>
/// <remarks>
/// TorchSharp runs in the trainer's own process: with its native library and ONNX Runtime's in one process, that process
/// sometimes died while it ended.
/// </remarks>
public sealed class ShippedModelTests : IDisposable
{
    private const int Seed = 4321;
    private static readonly string Shipped = Path.Combine(Repository.Root, "models", "cryptogram-edge", "checkpoint");
    private readonly string _folder = Directory.CreateTempSubdirectory("vlm-parity-").FullName;
    private readonly PictureConfig _pictures = PictureConfig.Load(Path.Combine(Shipped, "preprocessor_config.json"));
    private readonly PromptTemplate _template = PromptTemplate.Load(Path.Combine(Shipped, "prompt.json"));
    private readonly Tokenizer _tokenizer = Tokenizer.Load(Path.Combine(Shipped, "tokenizer.json"));

    [Theory]
    [InlineData(Split.Clean), InlineData(Split.Fonts), InlineData(Split.Camera)]
    public void TorchSharp_and_float32_ONNX_reply_with_the_same_tokens_from_logits_within_1e_3(Split split)
    {
        const int Count = 4;
        using var torch = SafeTensors.Open(TorchLogits(split, Count));
        using var vlm = Export("fp32");
        using var decoder = vlm.Allocate(1);
        double worst = 0;
        for (var p = 0; p < Count; p++)
        {
            var (patches, prompt) = Ask(new PuzzleSource(PuzzleOptions.For(split), Seed).At(p));
            using var picture = vlm.Encode(patches);
            var question = Engine.Prompt.For(prompt, [picture], vlm.Config);
            int[] tokens = [.. torch.ReadLongs($"{p}.tokens").Select(token => (int)token)];
            Assert.Equal(tokens, Reply(vlm, decoder, question));

            var expected = torch.ReadFloats($"{p}.logits");
            decoder.Prefill([question]);
            for (var t = 0; t <= tokens.Length; t++)
            {
                var found = decoder.Logits(0);
                for (var v = 0; v < found.Length; v++) worst = Math.Max(worst, Math.Abs(expected[t * found.Length + v] - found[v]));
                if (t < tokens.Length) decoder.Step([tokens[t]]);
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{split}: max abs difference of {Count} replies' logits {worst:E2}");
        Assert.InRange(worst, 0, 1e-3);
    }

    [Theory]
    [InlineData("int8", 1), InlineData("int4", 6)]
    public void Smaller_precisions_answer_nearly_as_many_of_60_clean_puzzles(string precision, int lostAtMost)
    {
        var source = new PuzzleSource(PuzzleOptions.For(Split.Clean), Seed);
        var puzzles = Enumerable.Range(0, 60).Select(i => source.At(i)).ToList();
        var (exact, small) = (Right("fp32", puzzles), Right(precision, puzzles));
        TestContext.Current.TestOutputHelper?.WriteLine($"right of {puzzles.Count}: fp32 {exact}, {precision} {small}");
        Assert.InRange(small, exact - lostAtMost, puzzles.Count);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string TorchLogits(Split split, int count)
    {
        var file = Path.Combine(_folder, "logits.safetensors");
        string[] arguments = [typeof(TrainConfig).Assembly.Location, "reply", Shipped, "--split", split.ToString().ToLowerInvariant(), "--count", $"{count}",
            "--seed", $"{Seed}", "--logits", file];
        using var process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        TestContext.Current.TestOutputHelper?.WriteLine(process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return file;
    }

    private int Right(string precision, List<Puzzle> puzzles)
    {
        using var vlm = Export(precision);
        using var decoder = vlm.Allocate(1);
        return puzzles.Count(puzzle =>
        {
            var (patches, prompt) = Ask(puzzle);
            using var picture = vlm.Encode(patches);
            return Score.IsExact(_tokenizer.Decode(Reply(vlm, decoder, Engine.Prompt.For(prompt, [picture], vlm.Config))), puzzle.Answer);
        });
    }

    private int[] Reply(IVisionModel vlm, IDecoder decoder, Prompt prompt)
    {
        var options = new GenerationOptions { MaxTokens = _template.MaxNewTokens, StopTokens = vlm.Config.EosTokenIds };
        return Generator.Generate(decoder, [prompt], options, TestContext.Current.CancellationToken)[0][0].TextTokens;
    }

    private (Patches Patches, int[] Prompt) Ask(Puzzle puzzle)
    {
        var patches = Patches.From(puzzle.Picture, _pictures);
        return (patches, _tokenizer.Encode(_template.Text(puzzle.Code, patches.Grid.MergedTokens(_pictures.MergeSize))));
    }

    private IVisionModel Export(string precision)
    {
        var target = Path.Combine(_folder, precision);
        PackageWriter.Write(Shipped, target, new ExportOptions(ExportOptions.ParsePrecision(precision), 64, false));
        return Engines.Open(target, new EngineOptions { Threads = 1 });
    }
}
