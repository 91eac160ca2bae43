using Vlm.Engine;
using Vlm.Export.Check;
using Vlm.Export.Check.GenAi;
using Vlm.Export.Options;
using Vlm.Export.Package;
using Vlm.Export.Tests.Graphs;
using Vlm.Solving;

namespace Vlm.Export.Tests.Check.GenAi;

public sealed class GenAiChecksTests(TinyPackages packages)
{
    [Fact]
    public void The_shipped_model_runs_in_the_library_as_it_does_here()
    {
        var rows = GenAiChecks.Run(Path.Combine(Repository.Root, "models", "cryptogram-edge"));

        Assert.Equal(5, rows.Count);
        Assert.All(rows, row => Assert.True(row.Outcome == Outcome.Passed, $"{row.Claim}: {row.Found}"));
    }

    [Theory]
    [InlineData("fp32")]
    [InlineData("int8")]
    [InlineData("int4")]
    public void Packages_for_a_processor_are_loaded(string precision) =>
        Assert.Equal([Outcome.Passed, Outcome.Skipped], GenAiChecks.Run(packages.Package(precision)).Select(row => row.Outcome));

    [Fact]
    public void A_package_for_graphics_cards_is_refused_where_there_is_none()
    {
        var row = Assert.Single(GenAiChecks.Run(packages.Package("fp16")));
        Assert.Equal(Outcome.Failed, row.Outcome);
        Assert.Contains("Cuda", row.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void Words_in_the_heads_own_bytes_are_read_by_the_library_too()
    {
        using var folder = new TempFolder();
        LargeVocabularyTests.WriteCheckpoint(folder["checkpoint"]);
        PackageWriter.Write(folder["checkpoint"], folder["package"], new ExportOptions(Precision.Int4));
        float[] Logits(EngineKind kind)
        {
            using var model = Engines.Open(folder["package"], new EngineOptions { Kind = kind, Threads = 1 });
            using var decoder = model.Allocate(1, 16);
            decoder.Prefill([Prompt.For([5, 100_000, 9], [], model.Config)]);
            return decoder.Logits(0).ToArray();
        }

        Assert.Equal(Logits(EngineKind.Ort), Logits(EngineKind.Genai));
    }

    [Fact]
    public void What_the_loader_says_of_a_damaged_package_is_said()
    {
        using var folder = new TempFolder();
        foreach (var file in Directory.EnumerateFiles(packages.Package("fp32"))) File.Copy(file, folder[Path.GetFileName(file)]);
        File.WriteAllText(folder["text.onnx"], "no graph");

        var row = Assert.Single(GenAiChecks.Run(Path.GetDirectoryName(folder["text.onnx"])!));
        Assert.Equal(Outcome.Failed, row.Outcome);
        Assert.Contains("text.onnx", row.Found, StringComparison.Ordinal);
    }
}
