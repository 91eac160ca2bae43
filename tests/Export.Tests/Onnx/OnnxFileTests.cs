using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Vlm.Export.Onnx;
using static Vlm.Export.Onnx.TensorProto.Types;

namespace Vlm.Export.Tests.Onnx;

public sealed class OnnxFileTests
{
    [Fact]
    public void Offsets_run_on_past_two_and_four_gigabytes_aligned_and_without_overlap()
    {
        long[] sizes = [1_244_659_712, 2_147_483_647, 5_000, 3_000_000_000, 65_536, 7];

        var offsets = OnnxFile.Layout(sizes);

        for (var i = 0; i < sizes.Length; i++)
        {
            Assert.Equal(0, offsets[i] % (sizes[i] >= 65_536 ? OnnxFile.PageBytes : 64));
            if (i > 0) Assert.InRange(offsets[i] - (offsets[i - 1] + sizes[i - 1]), 0, OnnxFile.PageBytes - 1);
        }

        Assert.True(offsets[^1] > 1L << 32);
    }

    [Fact]
    public void The_size_of_a_tensor_above_two_gigabytes_is_exact() =>
        Assert.Equal(151_936L * 8_192 * 4, new OnnxTensor("table", DataType.Float, [151_936, 8_192], _ => { }).Bytes);

    [Fact]
    public void Small_tensors_lie_in_the_model_and_large_ones_in_the_data_file()
    {
        using var folder = new TempFolder();
        OnnxFile.Write(TwoProducts(), folder["model.onnx"]);

        var model = OnnxFile.Read(folder["model.onnx"]);

        Assert.Equal(OnnxGraph.IrVersion, model.IrVersion);
        Assert.Equal(["small"], model.Graph.Initializer.Where(t => t.DataLocation == DataLocation.Default).Select(t => t.Name));
        var large = Assert.Single(model.Graph.Initializer, t => t.DataLocation == DataLocation.External);
        Assert.Equal(
            [("location", "model.onnx.data"), ("offset", "0"), ("length", "4096")],
            large.ExternalData.Select(entry => (entry.Key, entry.Value)));
        Assert.Equal(4096, new FileInfo(folder["model.onnx.data"]).Length);
    }

    [Fact]
    public void The_runtime_reads_inline_and_external_tensors_alike()
    {
        using var folder = new TempFolder();
        OnnxFile.Write(TwoProducts(), folder["model.onnx"]);

        using var session = new InferenceSession(folder["model.onnx"]);
        float[] x = [.. Enumerable.Range(0, 32).Select(i => (float)i)];
        using var results = session.Run([NamedOnnxValue.CreateFromTensor("x", new DenseTensor<float>(x, [1, 32]))]);

        Assert.Equal([.. x.Select(value => value * 2 + 1)], results[0].AsEnumerable<float>());
    }

    [Fact]
    public void A_tensor_that_writes_another_number_of_bytes_than_its_shape_is_refused()
    {
        using var folder = new TempFolder();
        var graph = new OnnxGraph("wrong");
        graph.Tensor(new OnnxTensor("short", DataType.Float, [1000], stream => stream.Write(new byte[8])));

        var error = Assert.Throws<InvalidOperationException>(() => OnnxFile.Write(graph, folder["model.onnx"]));

        Assert.Contains("'short' was to take 4000 bytes but wrote 8", error.Message);
    }

    [Fact]
    public void A_file_that_is_not_a_model_is_refused_with_its_name()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["model.onnx"], "this is text, not a graph");

        Assert.Contains("model.onnx", Assert.Throws<InvalidDataException>(() => OnnxFile.Read(folder["model.onnx"])).Message);
    }

    [Fact]
    public void A_graph_output_must_come_from_a_node()
    {
        var graph = new OnnxGraph("through");
        var x = graph.Input("x", DataType.Float, 1);

        Assert.Throws<ArgumentException>(() => graph.Output("y", x, DataType.Float, 1));
    }

    /// <summary>x · (2 · identity [32, 32], external) + ones [32], inline.</summary>
    private static OnnxGraph TwoProducts()
    {
        var graph = new OnnxGraph("products");
        var x = graph.Input("x", DataType.Float, "rows", 32);
        var twice = graph.Tensor(Floats("large", [.. Enumerable.Range(0, 1024).Select(i => i % 33 == 0 ? 2f : 0f)], 32, 32));
        var ones = graph.Tensor(Floats("small", [.. Enumerable.Repeat(1f, 32)], 32));
        graph.Output("y", graph.Add(graph.MatMul(x, twice), ones), DataType.Float, "rows", 32);
        return graph;
    }

    private static OnnxTensor Floats(string name, float[] values, params long[] shape) => new(
        name, DataType.Float, shape, stream => stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values)));
}
