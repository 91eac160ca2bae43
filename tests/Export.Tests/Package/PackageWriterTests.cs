using System.Diagnostics;
using System.Text.Json;
using Vlm.Export.Options;
using Vlm.Export.Package;
using Vlm.Model;
using Vlm.Package;

namespace Vlm.Export.Tests.Package;

public sealed class PackageWriterTests(TinyPackages packages) : IDisposable
{
    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData("fp32")]
    [InlineData("fp16")]
    [InlineData("int8")]
    [InlineData("int4")]
    public void A_package_is_whole_and_sealed(string precision)
    {
        var model = ModelFolder.Open(packages.Package(precision));

        Assert.Equal(precision, model.Manifest.Precision);
        string[] needed =
        [
            "vision.onnx", "vision.onnx.data", "embedding.onnx", "embedding.onnx.data", "text.onnx", "text.onnx.data",
            "genai_config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json", "prompt.json",
        ];
        Assert.Equal(needed.Order(), model.Manifest.Files.Keys.Order());
        Assert.StartsWith("config.json sha256 ", model.Manifest.Provenance.Config);
    }

    [Fact]
    public void The_smaller_the_precision_the_smaller_the_decoder()
    {
        string[] precisions = ["fp32", "fp16", "int8", "int4"];

        long[] sizes = [.. precisions.Select(precision => new FileInfo(Path.Combine(packages.Package(precision), "text.onnx.data")).Length)];

        Assert.Equal(sizes.OrderDescending(), sizes);
    }

    [Fact]
    public void Provenance_of_the_checkpoint_goes_into_the_package_and_its_manifest()
    {
        TinyPackages.CopyCheckpoint(_folder["checkpoint"]);
        File.WriteAllText(Path.Combine(_folder["checkpoint"], "provenance.json"),
            """{"command": "train configs/edge.json", "seed": 7, "accuracy": {"clean": 0.99}}""");

        PackageWriter.Write(_folder["checkpoint"], _folder["package"], new ExportOptions(Precision.Fp32));

        var model = ModelFolder.Open(_folder["package"]);
        Assert.Equal(7, model.Manifest.Provenance.Seed);
        Assert.Equal(0.99, model.Manifest.Provenance.Accuracy["clean"]);
        Assert.Contains("provenance.json", model.Manifest.Files.Keys);
    }

    [Fact]
    public void A_checkpoint_without_tokenizer_and_prompt_still_exports_and_says_what_is_lost()
    {
        TinyPackages.CopyCheckpoint(_folder["checkpoint"]);
        foreach (var name in (string[])["tokenizer.json", "tokenizer_config.json", "prompt.json"])
            File.Delete(Path.Combine(_folder["checkpoint"], name));

        var report = PackageWriter.Write(_folder["checkpoint"], _folder["package"], new ExportOptions(Precision.Fp32));

        Assert.Equal(3, report.Warnings.Count);
        Assert.Contains("has no tokenizer.json: the package takes token ids only", report.Warnings[0]);
    }

    [Theory]
    [InlineData("tokenizer_config.json", """{"chat_template": "<|im_start|>user <|vision_start|><|image_pad|><|vision_end|><|im_end|>"}""", true)]
    [InlineData("chat_template.json", """{"chat_template": "<|im_start|>user <|vision_start|><|image_pad|><|vision_end|><|im_end|>"}""", true)]
    [InlineData("chat_template.jinja", "<|im_start|>user <|vision_start|><|image_pad|><|vision_end|><|im_end|>", true)]
    [InlineData("chat_template.jinja", "[INST] <image> [/INST]", false)]
    public void A_public_chat_model_gets_the_task_in_words_in_the_format_of_its_template(string file, string content, bool isKnown)
    {
        TinyPackages.CopyCheckpoint(_folder["checkpoint"]);
        File.Delete(Path.Combine(_folder["checkpoint"], "prompt.json"));
        File.WriteAllText(Path.Combine(_folder["checkpoint"], file), content);

        var report = PackageWriter.Write(_folder["checkpoint"], _folder["package"], new ExportOptions(Precision.Fp32));

        var prompt = Path.Combine(_folder["package"], "prompt.json");
        Assert.Contains(isKnown ? "the task is put in words" : "does not write <|im_start|>", report.Warnings[^1], StringComparison.Ordinal);
        Assert.Equal(isKnown, File.Exists(prompt));
        if (isKnown) Assert.Equal(PromptTemplate.Instruct.Text("a b", 2), PromptTemplate.Load(prompt).Text("a b", 2));
    }

    [Fact]
    public void Nothing_is_left_of_an_export_that_was_interrupted_or_for_which_there_is_no_room()
    {
        using var stop = new CancellationTokenSource();
        long total = 0, written = 0;
        var watch = new ExportWatch(all => total = all, bytes => written += bytes, CancellationToken.None);
        PackageWriter.Write(packages.Checkpoint, _folder["whole"], new ExportOptions(Precision.Int8), watch);
        Assert.Equal(total, written);

        var interrupted = new ExportWatch(_ => { }, _ => stop.Cancel(), stop.Token);
        Assert.Throws<OperationCanceledException>(
            () => PackageWriter.Write(packages.Checkpoint, _folder["package"], new ExportOptions(Precision.Int8), interrupted));
        var error = Assert.Throws<ExportException>(() => watch.Begin(_folder.Path, long.MaxValue));
        Assert.Contains("Make room", error.Message, StringComparison.Ordinal);

        Assert.Equal(["whole"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void Nothing_is_left_of_an_export_whose_disk_becomes_full()
    {
        var disk = Directory.CreateDirectory(_folder["disk"]).FullName;
        var isMounted = OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk);
        Assert.SkipUnless(isMounted, "mounting a small file system takes root on Linux");
        try
        {
            // Somebody else takes what was free when the export began.
            var filler = Path.Combine(disk, "filler");
            var watch = new ExportWatch(_ => FillUp(filler), _ => { }, CancellationToken.None);

            Assert.Throws<IOException>(() => PackageWriter.Write(packages.Checkpoint, Path.Combine(disk, "package"), new ExportOptions(Precision.Fp32), watch));

            Assert.Equal(["filler"], Directory.GetFileSystemEntries(disk).Select(Path.GetFileName));
        }
        finally
        {
            Run("umount", "-l", disk);
        }
    }

    [Fact]
    public void What_a_killed_export_has_left_is_swept_away_by_the_next_and_what_a_living_one_writes_is_not()
    {
        Directory.CreateDirectory(_folder[$"package.tmp-{int.MaxValue}"]);
        using var living = Process.Start(new ProcessStartInfo("sleep", ["60"]))!;
        Directory.CreateDirectory(_folder[$"package.tmp-{living.Id}"]);

        PackageWriter.Write(packages.Checkpoint, _folder["package"], new ExportOptions(Precision.Fp32));

        var left = Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal);
        Assert.Equal(["package", $"package.tmp-{living.Id}"], left);
        living.Kill();
    }

    private static void FillUp(string path)
    {
        try
        {
            using var file = File.Create(path);
            while (true) file.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // That was the last of it.
        }
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    [Fact]
    public void A_package_leans_on_words_only_when_it_is_exported_so_and_its_letters_are_decided_together()
    {
        TinyPackages.CopyCheckpoint(_folder["checkpoint"]);
        PackageWriter.Write(_folder["checkpoint"], _folder["read"], new ExportOptions(Precision.Int8));
        PackageWriter.Write(_folder["checkpoint"], _folder["words"], new ExportOptions(Precision.Int8) { LeansOnWords = true });

        Assert.False(PromptTemplate.Load(Path.Combine(_folder["read"], "prompt.json")).LeansOnWords);
        Assert.True(PromptTemplate.Load(Path.Combine(_folder["words"], "prompt.json")).LeansOnWords);
        Assert.NotEqual(ModelFolder.Open(_folder["read"]).Fingerprint, ModelFolder.Open(_folder["words"]).Fingerprint);

        PromptTemplate.Instruct.Save(Path.Combine(_folder["checkpoint"], "prompt.json"));
        var error = Assert.Throws<ExportException>(
            () => PackageWriter.Write(_folder["checkpoint"], _folder["other"], new ExportOptions(Precision.Int8) { LeansOnWords = true }));
        Assert.Contains("mapping_lines", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["other"]));
    }

    [Fact]
    public void An_older_package_is_replaced_but_its_checkpoint_plots_and_samples_stay()
    {
        TinyPackages.CopyCheckpoint(Path.Combine(_folder["model"], "checkpoint"));
        PackageWriter.Write(Path.Combine(_folder["model"], "checkpoint"), _folder["model"], new ExportOptions(Precision.Fp32));
        Directory.CreateDirectory(Path.Combine(_folder["model"], "samples"));
        File.WriteAllText(Path.Combine(_folder["model"], "samples", "codes.csv"), "picture,code\n");
        Directory.CreateDirectory(Path.Combine(_folder["model"], "plots"));
        File.WriteAllText(Path.Combine(_folder["model"], "plots", "training.png"), "");
        File.WriteAllText(Path.Combine(_folder["model"], "gate.json"), "{}");

        PackageWriter.Write(Path.Combine(_folder["model"], "checkpoint"), _folder["model"], new ExportOptions(Precision.Int8));

        Assert.Equal("int8", ModelFolder.Open(_folder["model"]).Manifest.Precision);
        Assert.True(File.Exists(Path.Combine(_folder["model"], "checkpoint", "model.safetensors")));
        Assert.True(File.Exists(Path.Combine(_folder["model"], "samples", "codes.csv")));
        Assert.True(File.Exists(Path.Combine(_folder["model"], "plots", "training.png")));
        // A gate is fitted to one set of weights; it does not outlive them.
        Assert.False(File.Exists(Path.Combine(_folder["model"], "gate.json")));
        Assert.Equal(["model"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void A_folder_that_is_not_a_package_is_never_replaced()
    {
        Directory.CreateDirectory(_folder["photos"]);
        File.WriteAllText(Path.Combine(_folder["photos"], "holiday.txt"), "mine");

        var error = Assert.Throws<ExportException>(() => PackageWriter.Write(packages.Checkpoint, _folder["photos"], new ExportOptions(Precision.Fp32)));

        Assert.Contains("exists and is not a model package", error.Message);
        Assert.Equal("mine", File.ReadAllText(Path.Combine(_folder["photos"], "holiday.txt")));
    }

    [Fact]
    public void Nothing_is_left_when_a_tensor_is_missing_or_has_another_shape()
    {
        TinyPackages.CopyCheckpoint(_folder["checkpoint"]);
        using (var whole = SafeTensors.Open(Repository.Golden("qwen25vl", "checkpoint", "model.safetensors")))
        {
            SafeTensors.Write(Path.Combine(_folder["checkpoint"], "model.safetensors"), whole.Names.Where(name => name != "model.norm.weight").Select(name =>
                name == "visual.merger.mlp.2.bias"
                    ? NamedTensor.Floats(name, [63], new float[63])
                    : NamedTensor.Bytes(name, whole.Info(name), whole.ReadBytes(name))));
        }

        var error = Assert.Throws<CheckpointException>(() => PackageWriter.Write(_folder["checkpoint"], _folder["package"], new ExportOptions(Precision.Fp32)));

        Assert.Contains("'model.norm.weight' is missing", error.Message);
        Assert.Contains("'visual.merger.mlp.2.bias' has shape [63]", error.Message);
        Assert.Equal(["checkpoint"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("model.norm.weight", "fp32")]
    [InlineData("model.layers.0.mlp.down_proj.weight", "int8")]
    [InlineData("visual.patch_embed.proj.weight", "fp16")]
    [InlineData("model.embed_tokens.weight", "int4")]
    public void A_weight_that_is_no_number_is_refused_by_name_and_nothing_is_left(string name, string precision)
    {
        Spoil(name, float.NaN);

        var options = new ExportOptions(ExportOptions.ParsePrecision(precision));
        var error = Assert.Throws<CheckpointException>(() => PackageWriter.Write(_folder["checkpoint"], _folder["package"], options));

        Assert.Contains($"tensor '{name}' holds NaN at [", error.Message);
        Assert.Equal(["checkpoint"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void A_weight_that_float16_cannot_hold_is_refused_by_name()
    {
        Spoil("model.layers.0.mlp.down_proj.weight", 70_000);

        var error = Assert.Throws<ExportException>(() => PackageWriter.Write(_folder["checkpoint"], _folder["package"], new ExportOptions(Precision.Fp16)));

        Assert.Contains("'model.layers.0.mlp.down_proj.weight' holds 70000; float16 holds no more than 65500", error.Message);
        Assert.Equal(["checkpoint"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void Nothing_is_left_when_writing_fails_in_the_middle_and_the_old_package_still_works()
    {
        TinyPackages.CopyCheckpoint(_folder["checkpoint"]);
        PackageWriter.Write(_folder["checkpoint"], _folder["package"], new ExportOptions(Precision.Fp32));
        // Found out only after the graphs are written.
        File.WriteAllText(Path.Combine(_folder["checkpoint"], "provenance.json"), "not json");

        Assert.Throws<CheckpointException>(() => PackageWriter.Write(_folder["checkpoint"], _folder["package"], new ExportOptions(Precision.Int4)));

        Assert.Equal("fp32", ModelFolder.Open(_folder["package"]).Manifest.Precision);
        Assert.Equal(["checkpoint", "package"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Pictures_cut_in_another_way_than_the_tower_expects_are_refused()
    {
        TinyPackages.CopyCheckpoint(_folder["checkpoint"]);
        var settings = Path.Combine(_folder["checkpoint"], "preprocessor_config.json");
        File.WriteAllText(settings, File.ReadAllText(settings).Replace("\"merge_size\": 2", "\"merge_size\": 4", StringComparison.Ordinal));

        var error = Assert.Throws<CheckpointException>(() => PackageWriter.Write(_folder["checkpoint"], _folder["package"], new ExportOptions(Precision.Fp32)));

        Assert.Contains("(14, 2, 4)", error.Message);
    }

    [Fact]
    public void Two_exports_of_one_checkpoint_are_equal_to_the_byte()
    {
        PackageWriter.Write(packages.Checkpoint, _folder["again"], new ExportOptions(Precision.Int4));

        Assert.Equal(ModelFolder.Open(packages.Package("int4")).Manifest.Files, ModelFolder.Open(_folder["again"]).Manifest.Files);
    }

    [Fact]
    public void Real_numbers_are_never_written_like_whole_ones()
    {
        Assert.Equal("1.0", PackageJson.Real(1.0));
        Assert.Equal("0.0", PackageJson.Real(0f));
        Assert.Equal("0.4578275", PackageJson.Real(0.4578275f));
        using var config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(packages.Package("fp32"), "processor_config.json")));
        Assert.Contains("0.00392156862745098", config.RootElement.GetRawText());
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>A checkpoint with one number of a tensor replaced.</summary>
    private void Spoil(string name, float value)
    {
        TinyPackages.CopyCheckpoint(_folder["checkpoint"]);
        using var whole = SafeTensors.Open(Repository.Golden("qwen25vl", "checkpoint", "model.safetensors"));
        SafeTensors.Write(Path.Combine(_folder["checkpoint"], "model.safetensors"), whole.Names.Select(tensor =>
        {
            var values = whole.ReadFloats(tensor);
            if (tensor == name) values[^2] = value;
            return NamedTensor.Floats(tensor, whole.Info(tensor).Shape, values);
        }));
    }
}

