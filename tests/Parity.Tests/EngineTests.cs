using System.Text.Json;
using Vlm.Engine;
using Vlm.Export.Options;
using Vlm.Export.Package;
using Vlm.Model;
using Vlm.Package;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Parity.Tests;

/// <summary>The engine on packages of our own, made from the checkpoint of the golden data.</summary>
public sealed class EngineTests : IDisposable
{
    private static readonly string Golden = Path.Combine(Repository.Root, "tests", "Golden");
    private readonly string _folder = Directory.CreateTempSubdirectory("vlm-engine-").FullName;

    [Fact]
    public void Our_export_gives_the_tokens_of_the_export_that_other_tools_made()
    {
        using var vlm = Open("fp32");
        using var decoder = vlm.Allocate(1);
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Golden, "genai-reference", "expected.json")));
        foreach (var item in expected.RootElement.GetProperty("cases").EnumerateArray())
        {
            var pictures = item.GetProperty("pictures").EnumerateArray().Select(picture => Encode(vlm, picture.GetString()!)).ToArray();
            var prompt = Prompt.For([.. item.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())], pictures, vlm.Config);

            var choices = Generator.Generate(decoder, [prompt], Greedy(vlm), TestContext.Current.CancellationToken)[0][0].Choices;

            Assert.Equal(item.GetProperty("tokens").EnumerateArray().Select(id => id.GetInt32()), choices.Select(choice => choice.Token));
            foreach (var (wanted, choice) in item.GetProperty("logprobs").EnumerateArray().Zip(choices))
                Assert.Equal(wanted.GetDouble(), choice.LogProbability, 1e-4);
            foreach (var picture in pictures) picture.Dispose();
        }
    }

    [Fact]
    public void The_attention_of_the_pointer_is_that_of_the_reference()
    {
        using var vlm = Open("fp32");
        using var golden = SafeTensors.Open(Path.Combine(Golden, "qwen25vl", "golden.safetensors"));
        int[] ids = [.. golden.ReadLongs("ids.one").Select(id => (int)id)];
        using var picture = Encode(vlm, "pictures/a.png");
        using var decoder = vlm.Allocate(2);
        // Third layer, first head, last query.
        var attention = golden.ReadFloats("attention.one.2").AsSpan((ids.Length - 1) * ids.Length, ids.Length).ToArray();
        float[] onPicture = [.. attention.Where((_, place) => ids[place] == vlm.Config.Tokens.Image)];

        decoder.Prefill([Prompt.For(ids, [picture], vlm.Config)]);

        Assert.True(vlm.ShowsAttention);
        for (var row = 0; row < 2; row++)
        {
            var weights = decoder.PictureAttention(row)!;
            Assert.Equal(picture.Tokens, weights.Length);
            for (var i = 0; i < weights.Length; i++) Assert.Equal(onPicture[i] / onPicture.Sum(), weights[i], 1e-4f);
        }
        // Reached step by step it is the same as in one go.
        decoder.Rewind(0, ids.Length - 1);
        decoder.Step([ids[^1], -1]);
        var again = decoder.PictureAttention(0)!;
        for (var i = 0; i < again.Length; i++) Assert.Equal(onPicture[i] / onPicture.Sum(), again[i], 1e-4f);
    }

    [Theory]
    [InlineData("fp16", 0.05)]
    // Random weights amplify rounding: of logits with a deviation of 1.2.
    [InlineData("int8", 0.5)]
    public void Smaller_precisions_stay_close_to_float32(string precision, double tolerance)
    {
        using var exact = Open("fp32");
        using var small = Open(precision);
        using var golden = SafeTensors.Open(Path.Combine(Golden, "qwen25vl", "golden.safetensors"));
        int[] ids = [.. golden.ReadLongs("ids.one").Select(id => (int)id)];
        var (expected, found) = (Logits(exact, ids), Logits(small, ids));
        for (var row = 0; row < expected.Length; row++)
        {
            for (var i = 0; i < expected[row].Length; i++) Assert.Equal(expected[row][i], found[row][i], (float)tolerance);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The logits after the prompt, after a step, after another one, in a row that was copied.</summary>
    private static float[][] Logits(IVisionModel vlm, int[] ids)
    {
        using var picture = Encode(vlm, "pictures/a.png");
        using var decoder = vlm.Allocate(2);
        decoder.Prefill([Prompt.For(ids, [picture], vlm.Config)]);
        var prefill = decoder.Logits(1).ToArray();
        decoder.Step([-1, 17]);
        var first = decoder.Logits(1).ToArray();
        decoder.Step([5, 4]);
        return [prefill, first, decoder.Logits(1).ToArray()];
    }

    private IVisionModel Open(string precision)
    {
        var (checkpoint, package) = (Path.Combine(_folder, "checkpoint"), Path.Combine(_folder, precision));
        Directory.CreateDirectory(checkpoint);
        foreach (var file in (string[])["config.json", "model.safetensors", "preprocessor_config.json"])
            File.Copy(Path.Combine(Golden, "qwen25vl", "checkpoint", file), Path.Combine(checkpoint, file), overwrite: true);
        foreach (var file in (string[])["tokenizer.json", "tokenizer_config.json"])
            File.Copy(Path.Combine(Golden, "genai-reference", "package", file), Path.Combine(checkpoint, file), overwrite: true);
        PackageWriter.Write(checkpoint, package, new ExportOptions(ExportOptions.ParsePrecision(precision), 32, false));
        return Engines.Open(ModelFolder.Open(package).Path, new EngineOptions { Threads = 1 });
    }

    private static EncodedPicture Encode(IVisionModel vlm, string picture)
    {
        var image = ImageCodec.Decode(File.ReadAllBytes(Path.Combine(Golden, "genai-reference", picture)));
        return vlm.Encode(Patches.From(image, Package.ProcessorConfig.Load(Path.Combine(vlm.Config.Folder, vlm.Config.ProcessorFile))));
    }

    private static GenerationOptions Greedy(IVisionModel vlm) => new() { MaxTokens = 12, StopTokens = vlm.Config.EosTokenIds };
}
