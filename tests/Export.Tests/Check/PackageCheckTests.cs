using Vlm.Export.Check;
using Vlm.Export.Options;
using Vlm.Model;

namespace Vlm.Export.Tests.Check;

public sealed class PackageCheckTests(TinyPackages packages) : IDisposable
{
    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData("fp32")]
    [InlineData("fp16")]
    [InlineData("int8")]
    [InlineData("int4")]
    public void Our_own_packages_pass_and_agree_with_their_checkpoint(string precision)
    {
        var report = PackageCheck.Run(packages.Package(precision), packages.Checkpoint);

        Assert.DoesNotContain(report.Rows, row => row.Outcome == Outcome.Failed);
        Assert.All(report.Comparison.Differences, row => Assert.True(row.Passed, row.ToString()));
        // Same weights, same machine: the same numbers.
        Assert.All(report.Comparison.Differences.Where(row => row.Allowed is not null), row => Assert.Equal(0, row.Difference));
        Assert.Contains(report.Comparison.Differences, row => row.Output == "logits of the continuation");
        Assert.Contains(report.Comparison.Agreements, row => row.Prompt.EndsWith("fresh fp32", StringComparison.Ordinal) && row.Total > 0);
    }

    [Fact]
    public void Float16_costs_little_and_keeps_the_tokens()
    {
        var report = PackageCheck.Run(packages.Package("fp16"), packages.Checkpoint);

        var cost = report.Comparison.Differences.Where(row => row.Allowed is null).ToList();
        Assert.NotEmpty(cost);
        Assert.All(cost, row => Assert.True(row.Difference <= 0.02f * row.Largest, row.ToString()));
        Assert.All(report.Comparison.Agreements, row => Assert.Equal(row.Total, row.Agreed));
    }

    [Fact]
    public void Golden_data_beside_the_checkpoint_are_compared_too()
    {
        TinyPackages.CopyCheckpoint(_folder["checkpoint"]);
        foreach (var file in (string[])["golden.json", "golden.safetensors"])
            File.Copy(Repository.Golden("qwen25vl", file), _folder[file]);

        var report = PackageCheck.Run(packages.Package("fp32"), _folder["checkpoint"]);

        var golden = report.Comparison.Differences.Where(row => row.Prompt.StartsWith("golden ", StringComparison.Ordinal)).ToList();
        Assert.Equal(11, golden.Count);
        Assert.All(golden, row => Assert.True(row.Passed, row.ToString()));
    }

    [Fact]
    public void A_package_made_from_other_weights_is_found_out()
    {
        TinyPackages.CopyCheckpoint(_folder["checkpoint"]);
        using (var whole = SafeTensors.Open(Repository.Golden("qwen25vl", "checkpoint", "model.safetensors")))
        {
            SafeTensors.Write(Path.Combine(_folder["checkpoint"], "model.safetensors"), whole.Names.Select(name =>
                NamedTensor.Floats(name, whole.Info(name).Shape,
                    [.. whole.ReadFloats(name).Select((value, i) => name == "model.norm.weight" && i == 3 ? value + 0.1f : value)])));
        }

        var report = PackageCheck.Run(packages.Package("fp32"), _folder["checkpoint"]);

        Assert.False(report.Passed);
        Assert.Contains(report.Comparison.Differences, row => row.Output == "logits of the prompt" && !row.Passed);
        Assert.Contains(report.Comparison.Differences, row => row.Output == "image_features" && row.Passed);
    }

    [Fact]
    public void The_references_known_weaknesses_are_what_is_found_in_it()
    {
        var report = PackageCheck.Run(Repository.Golden("genai-reference", "package"), checkpoint: null);

        Assert.Equal(
            [
                ("embedding.onnx", "no features, one token, also the image token: its word embedding"),
                ("manifest.json", "every file is there with its hash"),
                ("text.onnx", "operators of ONNX Runtime 1.26, opset at most 21, IR at most 10"),
                ("vision.onnx", "two pictures of unequal size together = one by one"),
            ],
            report.Rows.Where(row => row.Outcome == Outcome.Failed).Select(row => (row.Section, row.Claim)).Order());
    }

    [Theory]
    [InlineData("genai_config.json", "\"top_k\": 50", "\"top_k\": 5000", "top_k within the vocabulary")]
    [InlineData("genai_config.json", "\"max_length\": 1024", "\"max_length\": 4096", "lengths: context above 0, max_length within it")]
    [InlineData("genai_config.json", "\"window_size\": 112", "\"window_side\": 112", "only keys that GenAI knows, no null")]
    [InlineData("genai_config.json", "\"do_sample\": false", "\"do_sample\": null", "only keys that GenAI knows, no null")]
    [InlineData("genai_config.json", "\"log_id\": \"onnxruntime-genai\"", "\"log_id\": \"onnx\\u0072untime\"", "no byte order mark, no \\u escapes")]
    [InlineData("genai_config.json", "\"video_token_id\": 303", "\"video_token_id\": 300",
        "image, video, vision start, pad and eos ids: given, distinct, in the vocabulary")]
    [InlineData("genai_config.json", "\"eos_token_id\": 305", "\"eos_token_id\": [305, 320]",
        "image, video, vision start, pad and eos ids: given, distinct, in the vocabulary")]
    [InlineData("genai_config.json", "\"filename\": \"embedding.onnx\"", "\"filename\": \"embed.onnx\"", "named files are in the folder")]
    [InlineData("genai_config.json", "\"image_grid_thw\": \"image_grid_thw\"", "\"pixel_values\": \"pixel_values\"", "vision.inputs.image_grid_thw is named")]
    [InlineData("genai_config.json", "\"type\": \"qwen2_5_vl\"", "\"type\": \"qwen2\"", "model type")]
    [InlineData("genai_config.json", "\"vocab_size\": 320", "\"vocab_size\": 321", "inputs_embeds, attention_mask, position_ids [3, B, S] -> logits [.., V]")]
    [InlineData("genai_config.json", "\"head_size\": 16", "\"head_size\": 32", "past and present keys and values of every layer, sizes as in the config")]
    [InlineData("processor_config.json", "\"rescale_factor\": 0.00392156862745098", "\"rescale_factor\": 1",
        "attributes are known, integers and reals spelled as such")]
    [InlineData("processor_config.json", "\"smart_resize\": 1", "\"smart_resize\": true", "attributes are known, integers and reals spelled as such")]
    [InlineData("processor_config.json", "\"type\": \"ConvertRGB\"", "\"type\": \"ConvertBGR\"", "steps in order, each with a name")]
    [InlineData("processor_config.json", "\"max_pixels\": 200704", "\"max_pixels\": 200705",
        "pixel limits, patch sizes, mean and deviation are those of preprocessor_config.json")]
    [InlineData("tokenizer.json", "\"<|image_pad|>\"", "\"<|picture_pad|>\"", "special strings have the config's ids")]
    public void A_spoilt_file_fails_the_check_that_is_about_it(string file, string from, string to, string claim)
    {
        Copy(packages.Package("fp32"), _folder["spoilt"]);
        var path = Path.Combine(_folder["spoilt"], file);
        var text = File.ReadAllText(path);
        Assert.Contains(from, text);
        File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));

        var report = PackageCheck.Run(_folder["spoilt"], packages.Checkpoint);

        Assert.Contains(report.Rows, row => row.Claim == claim && row.Outcome == Outcome.Failed);
        Assert.Contains(report.Rows, row => row.Section == "manifest.json" && row.Outcome == Outcome.Failed);
    }

    [Fact]
    public void Without_a_checkpoint_the_comparison_is_said_to_be_left_out()
    {
        var report = PackageCheck.Run(packages.Package("fp32"), checkpoint: null);

        Assert.True(report.Passed);
        Assert.Contains(report.Rows, row => row.Section == "checkpoint" && row.Outcome == Outcome.Skipped);
    }

    [Fact]
    public void A_checkpoint_inside_the_package_is_found()
    {
        Copy(packages.Package("fp32"), _folder["model"]);
        TinyPackages.CopyCheckpoint(Path.Combine(_folder["model"], "checkpoint"));

        Assert.NotEmpty(PackageCheck.Run(_folder["model"], checkpoint: null).Comparison.Differences);
    }

    [Fact]
    public void The_packages_own_samples_are_asked_too()
    {
        Copy(packages.Package("fp32"), _folder["model"]);
        Directory.CreateDirectory(_folder["model/samples"]);
        File.Copy(Repository.Golden("qwen25vl", "pictures", "d.png"), _folder["model/samples/first.png"]);
        File.WriteAllText(_folder["model/samples/codes.csv"], "answer,picture,code\nno,first.png,q x\n");

        var report = PackageCheck.Run(_folder["model"], packages.Checkpoint);

        Assert.True(report.Passed);
        Assert.Contains(
            report.Comparison.Differences, row => row.Prompt.StartsWith("first.png", StringComparison.Ordinal) && row.Output == "logits of the prompt");
    }

    [Theory]
    [InlineData("text.onnx.data")]
    [InlineData("vision.onnx")]
    public void A_graph_cut_short_is_one_error_with_the_folder(string file)
    {
        Copy(packages.Package("fp32"), _folder["cut"]);
        var path = Path.Combine(_folder["cut"], file);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..1000]);

        Assert.Contains("cut", Assert.Throws<ExportException>(() => PackageCheck.Run(_folder["cut"], checkpoint: null)).Message);
    }

    public void Dispose() => _folder.Dispose();

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}

