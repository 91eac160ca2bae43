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

    public LargeVocabularyTests() => WriteCheckpoint(_folder["checkpoint"]);

    /// <summary>The tiny checkpoint with a large vocabulary.</summary>
    internal static void WriteCheckpoint(string folder)
    {
        TinyPackages.CopyCheckpoint(folder);
        var config = VlmConfig.Load(folder);
        (config with { Text = config.Text with { VocabSize = Vocabulary } }).Save(Path.Combine(folder, "config.json"));
        using var tiny = SafeTensors.Open(Repository.Golden("qwen25vl", "checkpoint", "model.safetensors"));
        SafeTensors.Write(Path.Combine(folder, "model.safetensors"), tiny.Names.Select(name => name == "model.embed_tokens.weight"
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

    [Theory]
    [InlineData("int4", 32)]
    [InlineData("int8", 64)]
    public void Words_of_a_quantised_package_are_read_from_the_heads_own_bytes(string precision, int blockSize)
    {
        var options = new ExportOptions(ExportOptions.ParsePrecision(precision), blockSize);
        PackageWriter.Write(_folder["checkpoint"], _folder["package"], options);

        var codes = Initializer("model.embed_tokens.weight.codes");
        Assert.Equal("text.onnx.data", codes.ExternalData.First(entry => entry.Key == "location").Value);
        Assert.False(File.Exists(Path.Combine(_folder["package"], "embedding.onnx.data")));
        using var sessions = PlainSessions.Open(_folder["package"]);
        Near.Equal([.. Words.SelectMany(word => Rounded(word, options.Quantization!.Value))], sessions.Embed(Words, 1, []), 1e-6f);
    }

    [Fact]
    public void Words_whose_rows_are_not_whole_blocks_are_stored_in_float16()
    {
        PackageWriter.Write(_folder["checkpoint"], _folder["package"], new ExportOptions(Precision.Int4, BlockSize: 128));

        Assert.Equal((int)TensorProto.Types.DataType.Float16, Initializer("model.embed_tokens.weight").DataType);
        using var sessions = PlainSessions.Open(_folder["package"]);
        var expected = Words.SelectMany(word => Enumerable.Range(0, Width).Select(column => Weight((int)word, column)));
        Near.Equal([.. expected], sessions.Embed(Words, 1, []), 1e-3f);
    }

    public void Dispose() => _folder.Dispose();

    private static readonly long[] Words = [0, 5, 100_000, Vocabulary - 1];

    private TensorProto Initializer(string name) =>
        OnnxFile.Read(Path.Combine(_folder["package"], "embedding.onnx")).Graph.Initializer.First(tensor => tensor.Name == name);

    /// <summary>A word's row as the head's product sees it.</summary>
    private static float[] Rounded(long word, Quantization packing)
    {
        var (codes, scales) = (new byte[packing.CodeBytes(Width)], new float[packing.Blocks(Width)]);
        packing.PackRow([.. Enumerable.Range(0, Width).Select(column => Weight((int)word, column))], codes, scales);
        return [.. Enumerable.Range(0, Width).Select(column => packing.Value(codes, column, scales[column / packing.BlockSize]))];
    }

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

