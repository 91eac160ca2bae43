using System.Runtime.InteropServices;
using Vlm.Export.Check;
using Vlm.Export.Onnx;
using Vlm.Export.Options;
using Vlm.Export.Package;
using Vlm.Model;

namespace Vlm.Export.Tests.Graphs;

/// <summary>A vocabulary as large as the public models': the head is transposed in several panels, and a prompt gives its last logits only.</summary>
public sealed class LargeVocabularyTests : IDisposable
{
    private const int Vocabulary = 150_000;
    private const int Width = 64;

    private readonly TempFolder _folder = new();

    public LargeVocabularyTests()
    {
        TinyPackages.CopyCheckpoint(_folder["checkpoint"]);
        var config = VlmConfig.Load(_folder["checkpoint"]);
        (config with { Text = config.Text with { VocabSize = Vocabulary } }).Save(Path.Combine(_folder["checkpoint"], "config.json"));
        using var tiny = SafeTensors.Open(Repository.Golden("qwen25vl", "checkpoint", "model.safetensors"));
        SafeTensors.Write(Path.Combine(_folder["checkpoint"], "model.safetensors"), tiny.Names.Select(name => name == "model.embed_tokens.weight"
            ? NamedTensor.Floats(name, [Vocabulary, Width], [.. Enumerable.Range(0, Vocabulary * Width).Select(i => Weight(i / Width, i % Width))])
            : NamedTensor.Bytes(name, tiny.Info(name), tiny.ReadBytes(name))));
    }

    [Fact]
    public void The_head_is_the_embedding_transposed_and_only_the_last_position_is_computed_unless_asked()
    {
        PackageWriter.Write(_folder["checkpoint"], _folder["pruned"], new ExportOptions(Precision.Fp32));
        PackageWriter.Write(_folder["checkpoint"], _folder["all"], new ExportOptions(Precision.Fp32, AllLogits: true));

        var head = Head(Path.Combine(_folder["pruned"], "text.onnx"));
        foreach (var (row, column) in new[] { (0, 0), (63, 0), (0, Vocabulary - 1), (63, Vocabulary - 1), (55, 1), (56, 139_999), (31, 16_384) })
            Assert.Equal(Weight(column, row), head[row * Vocabulary + column]);
        using var pruned = PlainSessions.Open(_folder["pruned"]);
        using var all = PlainSessions.Open(_folder["all"]);
        Assert.True(pruned.IsPruned);
        Assert.False(all.IsPruned);
        using var prunedRun = new DecoderRun(pruned, 1);
        using var allRun = new DecoderRun(all, 1);
        var last = prunedRun.Step(pruned.Embed([5, 100_000, 9], 1, []), [1, 1, 1], [0, 1, 2, 0, 1, 2, 0, 1, 2]);
        var every = allRun.Step(all.Embed([5, 100_000, 9], 1, []), [1, 1, 1], [0, 1, 2, 0, 1, 2, 0, 1, 2]);
        Assert.Equal(Vocabulary, last.Length);
        Assert.Equal(3 * Vocabulary, every.Length);
        Near.Equal(every[^Vocabulary..], last, 1e-5f);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Different for every place, exact in float32.</summary>
    private static float Weight(int token, int column) => (token * 7 + column * 13) % 1021 / 1024f - 0.5f;

    private static float[] Head(string model)
    {
        var tensor = OnnxFile.Read(model).Graph.Initializer.First(each => each.Name == "model.embed_tokens.weight");
        Assert.Equal([Width, Vocabulary], tensor.Dims);
        var bytes = new byte[4L * Width * Vocabulary];
        using var data = File.OpenRead(OnnxFile.DataPath(model));
        data.Position = long.Parse(tensor.ExternalData.First(each => each.Key == "offset").Value);
        data.ReadExactly(bytes);
        return MemoryMarshal.Cast<byte, float>(bytes).ToArray();
    }
}

