using Vlm.Engine;
using Vlm.Package;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Core.Tests.Engine;

/// <summary>A package that cannot be run is one clear error on opening.</summary>
public sealed class OnnxVlmTests
{
    [Theory]
    [InlineData("vision.onnx")]
    [InlineData("embedding.onnx")]
    [InlineData("text.onnx")]
    public void A_missing_corrupt_or_truncated_graph_is_named(string file)
    {
        using var folder = Copy();
        var whole = File.ReadAllBytes(folder.File(file));

        File.WriteAllBytes(folder.File(file), whole[..(whole.Length / 2)]);
        AssertNames(file, folder, "cannot be loaded");
        File.WriteAllText(folder.File(file), "not a graph");
        AssertNames(file, folder, "cannot be loaded");
        File.WriteAllBytes(folder.File(file), []);
        AssertNames(file, folder, file);
        File.Delete(folder.File(file));
        AssertNames(file, folder, "is missing");
    }

    [Fact]
    public void Truncated_or_missing_weights_are_an_error()
    {
        using var folder = Copy();
        var weights = folder.File("text.onnx.data");
        using (var stream = File.OpenWrite(weights)) stream.SetLength(stream.Length / 2);
        AssertNames("text.onnx", folder, "cannot be loaded");
        File.Delete(weights);
        AssertNames("text.onnx", folder, "cannot be loaded");
    }

    [Theory]
    [InlineData("\"image_token_id\": 300,", "", "'model.image_token_id' is missing")]
    [InlineData("\"context_length\": 2048", "\"context_length\": \"long\"", "must be a whole number")]
    [InlineData("\"type\": \"qwen2_5_vl\"", "\"type\": \"phi3v\"", "'phi3v'")]
    [InlineData("\"vocab_size\": 320", "\"vocab_size\": 321", "a row of logits has 320 numbers")]
    [InlineData("\"logits\": \"logits\"", "\"logits\": \"scores\"", "no output 'scores'")]
    [InlineData("past_key_values.%d.key", "past.%d.key", "no input 'past.0.key'")]
    [InlineData("\"pixel_values\": \"pixel_values\"", "\"pixel_values\": \"pixels\"", "no input 'pixels'")]
    [InlineData("\"filename\": \"text.onnx\"", "\"filename\": \"../text.onnx\"", "not the name of a file")]
    [InlineData("\"past_present_share_buffer\": true", "\"past_present_share_buffer\": false", "past_present_share_buffer")]
    [InlineData("\"search\": {", "\"search\": ", "is not JSON")]
    public void A_configuration_that_does_not_fit_says_where(string from, string to, string message)
    {
        using var folder = Copy();
        var path = folder.File(PackageConfig.FileName);
        var text = File.ReadAllText(path);
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));
        AssertNames(message, folder, message);
    }

    [Fact]
    public void The_picture_processor_is_read_or_refused()
    {
        var path = Path.Combine(ReferencePackage.Package, "processor_config.json");
        var config = ProcessorConfig.Load(path);
        Assert.Equal((14, 2, 2, 3136, 200704), (config.PatchSize, config.TemporalPatchSize, config.MergeSize, config.MinPixels, config.MaxPixels));
        Assert.Equal(0.40821073f, config.Mean[2]);

        using var folder = new TempFolder();
        foreach (var (from, to) in new[] { ("\"smart_resize\": 1", "\"smart_resize\": 0"), ("\"Rescale\"", "\"Scale\""), ("0.00392156862745098", "0.5") })
        {
            File.WriteAllText(folder.File("p.json"), File.ReadAllText(path).Replace(from, to, StringComparison.Ordinal));
            Assert.Throws<ModelException>(() => ProcessorConfig.Load(folder.File("p.json")));
        }
    }

    [Fact]
    public void Patches_of_another_size_are_refused()
    {
        using var vlm = ReferencePackage.Open();
        Assert.Throws<ArgumentException>(() => vlm.Encode(new Patches(new float[4 * 100], new PatchGrid(1, 2, 2))));
    }

    private static TempFolder Copy()
    {
        var folder = new TempFolder();
        foreach (var file in Directory.EnumerateFiles(ReferencePackage.Package)) File.Copy(file, folder.File(Path.GetFileName(file)));
        return folder;
    }

    private static void AssertNames(string name, TempFolder folder, string message)
    {
        var error = Assert.Throws<ModelException>(() => Engines.Open(folder.Path, new EngineOptions { Threads = 1 }).Dispose());
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error.Message, StringComparison.Ordinal);
    }
}
