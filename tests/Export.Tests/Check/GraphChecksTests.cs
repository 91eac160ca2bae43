using Google.Protobuf;
using Vlm.Export.Check;
using Vlm.Export.Onnx;
using Vlm.Export.Options;
using Vlm.Vision;

namespace Vlm.Export.Tests.Check;

public sealed class GraphChecksTests(TinyPackages packages) : IDisposable
{
    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData("fp32")]
    [InlineData("fp16")]
    public void Signatures_and_behaviour_of_our_own_graphs_pass(string precision)
    {
        var sessions = packages.Sessions(precision);

        var rows = GraphChecks.Signatures(sessions).Concat(BehaviourChecks.Run(sessions)).Concat(GraphChecks.Operators(packages.Package(precision))).ToList();

        Assert.Equal(5 + 4 + 3, rows.Count);
        Assert.All(rows, row => Assert.True(row.Outcome == Outcome.Passed, row.ToString()));
    }

    [Fact]
    public void Operators_and_versions_that_the_runtime_does_not_know_are_named()
    {
        Directory.CreateDirectory(_folder["new"]);
        foreach (var file in (string[])["vision.onnx", "embedding.onnx", "text.onnx"])
        {
            var model = OnnxFile.Read(Path.Combine(packages.Package("fp32"), file));
            if (file == "vision.onnx") model.OpsetImport.First(import => import.Domain == "").Version = 22;
            if (file == "embedding.onnx") model.IrVersion = 11;
            if (file == "text.onnx") model.Graph.Node.Add(new NodeProto { Domain = "com.microsoft", OpType = "SparseDream" });
            File.WriteAllBytes(_folder[$"new/{file}"], model.ToByteArray());
        }

        var found = GraphChecks.Operators(_folder["new"]).ToDictionary(row => row.Section, row => (row.Outcome, row.Found));

        Assert.Equal((Outcome.Failed, "opset '' 22"), found["vision.onnx"]);
        Assert.Equal((Outcome.Failed, "IR 11"), found["embedding.onnx"]);
        Assert.Equal((Outcome.Failed, "SparseDream"), found["text.onnx"]);
    }

    [Fact]
    public void A_package_without_a_graph_is_one_error_with_its_path()
    {
        Directory.CreateDirectory(_folder["part"]);
        foreach (var path in Directory.GetFiles(packages.Package("fp32")).Where(path => Path.GetFileName(path) != "text.onnx"))
            File.Copy(path, Path.Combine(_folder["part"], Path.GetFileName(path)));

        Assert.Contains("text.onnx' is missing", Assert.Throws<ExportException>(() => PlainSessions.Open(_folder["part"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Noise_is_the_same_every_time_with_a_place_for_every_merged_patch_right_after_its_start()
    {
        var sessions = packages.Sessions("fp32");
        var (prompt, again) = (CheckPrompt.Made(sessions), CheckPrompt.Made(sessions));

        Assert.Equal(prompt.Pixels, again.Pixels);
        Assert.Equal(prompt.Ids, again.Ids);
        var config = sessions.Config;
        Assert.Equal(prompt.Grids.Sum(grid => grid.MergedTokens(config.MergeSize)), prompt.Ids.Count(id => id == config.ImageToken));
        Assert.Equal(prompt.Grids.Sum(grid => grid.Patches) * sessions.PatchLength, prompt.Pixels.Length);
        var starts = prompt.Ids.Index().Where(id => id.Item == config.VisionStartToken).ToList();
        Assert.Equal(2, starts.Count);
        Assert.All(starts, start => Assert.Equal(config.ImageToken, prompt.Ids[start.Index + 1]));
        Assert.DoesNotContain(prompt.Ids, id => id >= config.VocabSize || config.EosTokenIds.Contains((int)id));
    }

    [Fact]
    public void Samples_are_asked_up_to_four_and_a_list_without_its_columns_is_an_error()
    {
        var pictures = PictureConfig.Load(Path.Combine(packages.Checkpoint, "preprocessor_config.json"));
        Assert.Empty(CheckPrompt.Samples(packages.Package("fp32"), pictures));

        Directory.CreateDirectory(_folder["model/samples"]);
        foreach (var file in (string[])["prompt.json", "tokenizer.json"]) File.Copy(Path.Combine(packages.Package("fp32"), file), _folder[$"model/{file}"]);
        File.Copy(Repository.Golden("qwen25vl", "pictures", "d.png"), _folder["model/samples/d.png"]);
        File.WriteAllText(_folder["model/samples/codes.csv"], "code,picture\n" + string.Concat(Enumerable.Repeat("q x,d.png\n", 6)));
        Assert.Equal(4, CheckPrompt.Samples(_folder["model"], pictures).Count());

        File.WriteAllText(_folder["model/samples/codes.csv"], "code,image\nq x,d.png\n");
        var error = Assert.Throws<ExportException>(() => CheckPrompt.Samples(_folder["model"], pictures).ToList());
        Assert.Contains("'picture' and 'code'", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
