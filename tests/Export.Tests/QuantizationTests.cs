using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Vlm.Export.Onnx;
using Vlm.Export.Options;
using Vlm.Model;
using static Vlm.Export.Onnx.TensorProto.Types;

namespace Vlm.Export.Tests;

public sealed class QuantizationTests
{
    public static TheoryData<string> Cases()
    {
        using var list = JsonDocument.Parse(File.ReadAllText(Repository.Golden("quantization", "matmul_nbits.json")));
        var keys = list.RootElement.GetProperty("cases").EnumerateArray().Select(each => each.GetProperty("key").GetString()!);
        return [.. keys.Where(key => key.EndsWith(".sym", StringComparison.Ordinal))];
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Codes_and_scales_equal_the_runtimes_own_quantiser_to_the_bit(string key)
    {
        using var golden = OpenGolden();
        var packed = Pack(golden, key);

        Assert.Equal(golden.ReadBytes(key + ".B"), packed.Codes);
        Assert.Equal(golden.ReadFloats(key + ".scales").Select(BitConverter.SingleToInt32Bits), packed.Scales.Select(BitConverter.SingleToInt32Bits));
        Assert.False(golden.Contains(key + ".zero_points"));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_runtime_multiplies_with_our_packed_weights_as_with_its_own(string key)
    {
        using var golden = OpenGolden();
        var packed = Pack(golden, key);
        var input = golden.ReadFloats(Shape(key) + ".x");

        var exact = Multiply(packed, input, accuracyLevel: 0);
        var fast = Multiply(packed, input, accuracyLevel: 4);

        var expected = golden.ReadFloats(key + ".y");
        Near(expected, exact, 2e-6f * expected.Max(MathF.Abs));
        // With accuracy level 4 activations are rounded to 8 bits as well; columns differ in size, so each has its own tolerance.
        for (var column = 0; column < packed.Columns; column++)
        {
            float[] wanted = [.. expected.Where((_, i) => i % packed.Columns == column)];
            Near(wanted, [.. fast.Where((_, i) => i % packed.Columns == column)], 0.03f * wanted.Max(MathF.Abs) + 1e-9f);
        }
    }

    [Fact]
    public void A_value_read_back_is_within_a_step_of_what_was_packed()
    {
        var random = new Random(5);
        foreach (var format in new Quantization[] { new(4, 32), new(8, 32), new(4, 64), new(8, 16) })
        {
            float[] row = [.. Enumerable.Range(0, 100).Select(_ => random.NextSingle() * 4 - 1)];
            var (codes, scales) = (new byte[format.CodeBytes(100)], new float[format.Blocks(100)]);
            format.PackRow(row, codes, scales);
            for (var i = 0; i < row.Length; i++)
            {
                var block = i / format.BlockSize;
                Assert.InRange(format.Value(codes, i, scales[block]) - row[i], -Math.Abs(scales[block]) * 1.001f, Math.Abs(scales[block]) * 1.001f);
            }
        }
    }

    [Theory]
    [InlineData(32, true)]
    [InlineData(16, true)]
    [InlineData(256, true)]
    [InlineData(8, false)]
    [InlineData(48, false)]
    [InlineData(512, false)]
    public void Block_sizes_are_powers_of_two_that_the_runtime_knows(int size, bool known) => Assert.Equal(known, Quantization.IsBlockSize(size));

    private sealed record Packed(Quantization Format, int Rows, int Columns, byte[] Codes, float[] Scales);

    private static SafeTensors OpenGolden() => SafeTensors.Open(Repository.Golden("quantization", "matmul_nbits.safetensors"));

    private static string Shape(string key) => key[..key.IndexOf('.', StringComparison.Ordinal)];

    /// <summary>"k64n48.b4.g32.sym": the golden weight is [K, N], as MatMul takes it.</summary>
    private static Packed Pack(SafeTensors golden, string key)
    {
        var parts = key.Split('.');
        var format = new Quantization(int.Parse(parts[1][1..]), int.Parse(parts[2][1..]));
        var shape = golden.Info(parts[0] + ".W").Shape;
        var (k, n) = ((int)shape[0], (int)shape[1]);
        var weight = golden.ReadFloats(parts[0] + ".W");
        var codes = new byte[n * format.CodeBytes(k)];
        var scales = new float[n * format.Blocks(k)];
        for (var column = 0; column < n; column++)
        {
            float[] row = [.. Enumerable.Range(0, k).Select(i => weight[i * n + column])];
            format.PackRow(row, codes.AsSpan(column * format.CodeBytes(k)), scales.AsSpan(column * format.Blocks(k)));
        }

        return new Packed(format, k, n, codes, scales);
    }

    private static float[] Multiply(Packed packed, float[] input, int accuracyLevel)
    {
        var graph = new OnnxGraph("multiply");
        var x = graph.Input("x", DataType.Float, "rows", packed.Rows);
        var blocks = packed.Format.Blocks(packed.Rows);
        Value[] inputs =
        [
            x,
            graph.Tensor(Bytes("codes", packed.Codes, packed.Columns, blocks, packed.Codes.Length / packed.Columns / blocks)),
            graph.Tensor(new OnnxTensor("scales", DataType.Float, [packed.Columns, blocks], s => s.Write(MemoryMarshal.AsBytes<float>(packed.Scales)))),
        ];
        var y = graph.Node(
            "com.microsoft:MatMulNBits",
            inputs,
            NodeAttribute.Int("K", packed.Rows),
            NodeAttribute.Int("N", packed.Columns),
            NodeAttribute.Int("bits", packed.Format.Bits),
            NodeAttribute.Int("block_size", packed.Format.BlockSize),
            NodeAttribute.Int("accuracy_level", accuracyLevel));
        graph.Output("y", y, DataType.Float, "rows", packed.Columns);
        using var folder = new TempFolder();
        OnnxFile.Write(graph, folder["multiply.onnx"]);
        using var session = new InferenceSession(folder["multiply.onnx"]);
        using var results = session.Run([NamedOnnxValue.CreateFromTensor("x", new DenseTensor<float>(input, [input.Length / packed.Rows, packed.Rows]))]);
        return [.. results[0].AsEnumerable<float>()];
    }

    private static OnnxTensor Bytes(string name, byte[] bytes, params long[] shape) => new(name, DataType.Uint8, shape, stream => stream.Write(bytes));

    private static void Near(float[] expected, float[] actual, float tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.InRange(actual[i] - expected[i], -tolerance, tolerance);
    }
}
