using System.Buffers.Binary;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Vlm.Model;

namespace Vlm.Core.Tests.Model;

public sealed class SafeTensorsTests
{
    private const string OneFloat = """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""";

    [Fact]
    public void What_is_written_is_read_back()
    {
        using var folder = new TempFolder();
        Gen<float[]> values = Gen.ArrayOf(ArbMap.Default.GeneratorFor<float>());
        Gen<(float[], long[], byte[])> files = from floats in values
                                               from longs in Gen.ArrayOf(ArbMap.Default.GeneratorFor<long>())
                                               from bytes in Gen.ArrayOf(ArbMap.Default.GeneratorFor<byte>())
                                               select (floats, longs, bytes);
        Prop.ForAll(Arb.From(files), file =>
        {
            (float[] floats, long[] longs, byte[] bytes) = file;
            SafeTensors.Write(folder.File("x.safetensors"), [
                NamedTensor.Bytes("bytes", new TensorInfo(TensorType.U8, [bytes.Length]), bytes),
                NamedTensor.Floats("ünusual \"name\"", [1, floats.Length], floats),
                NamedTensor.Longs("longs", [longs.Length, 1, 1], longs)]);
            using SafeTensors read = SafeTensors.Open(folder.File("x.safetensors"));
            Assert.Equal(["bytes", "longs", "ünusual \"name\""], read.Names.Order(StringComparer.Ordinal));
            Assert.Equal(bytes, read.ReadBytes("bytes"));
            Assert.Equal(floats.Select(BitConverter.SingleToInt32Bits), read.ReadFloats("ünusual \"name\"").Select(BitConverter.SingleToInt32Bits));
            Assert.Equal(longs, read.ReadLongs("longs"));
            Assert.Equal([longs.Length, 1, 1], read.Info("longs").Shape);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Short_floating_point_types_become_32_bits()
    {
        using var folder = new TempFolder();
        float[] values = [0, -0f, 1, -2.5f, 65504, 6e-8f, float.PositiveInfinity];
        var halves = new byte[values.Length * 2];
        var brains = new byte[values.Length * 2];
        for (int i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteHalfLittleEndian(halves.AsSpan(i * 2), (Half)values[i]);
            BinaryPrimitives.WriteUInt16LittleEndian(brains.AsSpan(i * 2), (ushort)(BitConverter.SingleToUInt32Bits(values[i]) >> 16));
        }
        SafeTensors.Write(folder.File("x.safetensors"), [
            NamedTensor.Bytes("half", new TensorInfo(TensorType.F16, [7]), halves),
            NamedTensor.Bytes("brain", new TensorInfo(TensorType.BF16, [7]), brains),
            NamedTensor.Bytes("ints", new TensorInfo(TensorType.I32, [2]), [1, 0, 0, 0, 255, 255, 255, 255])]);

        using SafeTensors file = SafeTensors.Open(folder.File("x.safetensors"));

        Assert.Equal(values.Select(value => (float)(Half)value), file.ReadFloats("half"));
        Assert.Equal(values.Select(value => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) >> 16 << 16)), file.ReadFloats("brain"));
        Assert.Equal([1, -1], file.ReadLongs("ints"));
    }

    [Fact]
    public void Parts_of_a_tensor_are_the_same_as_the_whole()
    {
        float[] whole = Golden.Tensors.ReadFloats("logits.one");
        var part = new float[320];

        Golden.Tensors.ReadFloats("logits.one", 48 * 320, part);

        Assert.Equal(whole[^320..], part);
        var bytes = new byte[8];
        Golden.Tensors.ReadBytes("logits.one", 4, bytes);
        Assert.Equal(whole[1], BinaryPrimitives.ReadSingleLittleEndian(bytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => Golden.Tensors.ReadFloats("logits.one", (48 * 320) + 1, part));
        Assert.Throws<ArgumentOutOfRangeException>(() => Golden.Tensors.ReadFloats("logits.one", -1, part));
        Assert.Throws<ArgumentOutOfRangeException>(() => Golden.Tensors.ReadBytes("logits.one", long.MaxValue, bytes));
    }

    [Fact]
    public void Wrong_questions_are_answered_with_the_name()
    {
        Assert.Contains("no tensor 'nothing'", Assert.Throws<CheckpointException>(() => Golden.Tensors.Info("nothing")).Message, StringComparison.Ordinal);
        Assert.Contains("'ids.one' holds I64", Assert.Throws<CheckpointException>(() => Golden.Tensors.ReadFloats("ids.one")).Message,
            StringComparison.Ordinal);
        Assert.Contains("'logits.one' holds F32", Assert.Throws<CheckpointException>(() => Golden.Tensors.ReadLongs("logits.one")).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", 0, "not a JSON object")]
    [InlineData("no JSON at all", 0, "not JSON")]
    [InlineData("{\"a\":", 0, "not JSON")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "not JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "listed twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "4 bytes before tensor 'a' belong to no tensor")]
    [InlineData(OneFloat, 8, "4 bytes follow the last tensor")]
    [InlineData(OneFloat, 3, "ends at byte")]
    [InlineData("{}", 1, "1 bytes follow the last tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}""", 4, "data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 4, "data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", 4, "data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1e99]}}""", 4, "data_offsets")]
    [InlineData("""{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}}""", 4, "needs 2 bytes; its data_offsets give 4")]
    [InlineData("""{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}""", 4, "'F8_E4M3'")]
    [InlineData("""{"a":{"dtype":"0","shape":[1],"data_offsets":[0,4]}}""", 4, "type '0'")]
    [InlineData("""{"a":{"dtype":"","shape":[1],"data_offsets":[0,4]}}""", 4, "type ''")]
    [InlineData("""{"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}""", 4, "must be a string")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "impossible shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}""", 4, "impossible shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "impossible shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}""", 0, "impossible shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":"1","data_offsets":[0,4]}}""", 4, "'a: shape' must be a list")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", 4, "exactly dtype, shape and data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}""", 4, "exactly dtype, shape and data_offsets")]
    [InlineData("""{"a":[1]}""", 0, "not a JSON object")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[[[[[[[1]]]]]]]],"data_offsets":[0,4]}}""", 4, "not JSON")]
    public void A_header_that_lies_is_refused(string header, int dataBytes, string expected)
    {
        using var folder = new TempFolder();
        byte[] json = Encoding.UTF8.GetBytes(header);
        string path = folder.Write("x.safetensors", [.. BitConverter.GetBytes((long)json.Length), .. json, .. new byte[dataBytes]]);

        string message = Assert.Throws<CheckpointException>(() => SafeTensors.Open(path)).Message;

        Assert.Contains(path, message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ulong.MaxValue, "18446744073709551615")]
    [InlineData(100_000_001UL, "100000001")]
    [InlineData(1000UL, "only")]
    [InlineData(0UL, "claims 0 bytes")]
    public void A_header_length_beyond_the_file_or_the_limit_is_refused(ulong length, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.Write("x.safetensors", [.. BitConverter.GetBytes(length), .. Encoding.UTF8.GetBytes(OneFloat), 0, 0, 0, 0]);

        Assert.Contains(expected, Assert.Throws<CheckpointException>(() => SafeTensors.Open(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(9)]
    public void A_file_too_short_for_a_header_is_refused(int length)
    {
        using var folder = new TempFolder();
        string path = folder.Write("x.safetensors", new byte[length]);

        Assert.Contains($"it has {length} bytes", Assert.Throws<CheckpointException>(() => SafeTensors.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_one_clear_error()
    {
        using var folder = new TempFolder();

        Assert.Contains("cannot be read", Assert.Throws<CheckpointException>(() => SafeTensors.Open(folder.File("none"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Noise_never_does_more_than_being_refused()
    {
        using var folder = new TempFolder();
        byte[] good = [.. BitConverter.GetBytes((long)OneFloat.Length), .. Encoding.UTF8.GetBytes(OneFloat), 0, 0, 0, 0];
        Gen<(int, int)> changes = from at in Gen.Choose(0, good.Length - 1) from value in Gen.Choose(0, 255) select (at, value);
        Prop.ForAll(Arb.From(changes), change =>
        {
            byte[] bytes = [.. good];
            bytes[change.Item1] = (byte)change.Item2;
            string path = folder.Write("x.safetensors", bytes);
            try
            {
                using SafeTensors file = SafeTensors.Open(path);
                Assert.All(file.Names, name => Assert.Equal(file.Info(name).ByteCount, file.ReadBytes(name).Length));
            }
            catch (CheckpointException error)
            {
                Assert.Contains(path, error.Message, StringComparison.Ordinal);
            }
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_damaged_header_never_does_more_than_being_refused()
    {
        using var folder = new TempFolder();
        // Enough of a real file for its first tensors.
        byte[] header = File.ReadAllBytes(Path.Combine(Golden.Checkpoint, "model.safetensors"))[..4096];
        byte[] good = [.. BitConverter.GetBytes((long)OneFloat.Length), .. Encoding.UTF8.GetBytes(OneFloat), 0, 0, 0, 0];
        foreach (byte[] bytes in Mutations.Of(header, 500, seed: 1).Concat(Mutations.Of(good, 2000, seed: 2)))
        {
            try
            {
                using SafeTensors file = SafeTensors.Open(folder.Write("x.safetensors", bytes));
                Assert.All(file.Names, name => Assert.Equal(file.Info(name).ByteCount, file.ReadBytes(name).Length));
            }
            catch (CheckpointException error)
            {
                Assert.Contains("x.safetensors", error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_failed_write_leaves_the_old_file_and_no_rubbish()
    {
        using var folder = new TempFolder();
        string path = folder.Write("x.safetensors", "old");
        var tooShort = new NamedTensor("b", new TensorInfo(TensorType.F32, [2]), stream => stream.Write([1, 2, 3, 4]));

        ArgumentException error = Assert.Throws<ArgumentException>(() => SafeTensors.Write(path, [NamedTensor.Floats("a", [1], [1f]), tooShort]));

        Assert.Contains("'b' wrote 4 bytes; its shape asks for 8", error.Message, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Two_tensors_of_one_name_are_not_written()
    {
        using var folder = new TempFolder();
        NamedTensor tensor = NamedTensor.Floats("a", [1], [1f]);

        Assert.Contains("'a' is given twice", Assert.Throws<ArgumentException>(() => SafeTensors.Write(folder.File("x"), [tensor, tensor])).Message,
            StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_file_that_becomes_shorter_while_it_is_open_is_one_clear_error()
    {
        using var folder = new TempFolder();
        SafeTensors.Write(folder.File("x.safetensors"), [NamedTensor.Floats("a", [4], [1, 2, 3, 4])]);
        using SafeTensors file = SafeTensors.Open(folder.File("x.safetensors"));
        using (var stream = new FileStream(folder.File("x.safetensors"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            stream.SetLength(stream.Length - 4);
        var error = Assert.Throws<CheckpointException>(() => file.ReadFloats("a"));
        Assert.Contains("has become shorter since it was opened", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disposed_file_is_not_read()
    {
        SafeTensors file = SafeTensors.Open(Path.Combine(Golden.Checkpoint, "model.safetensors"));
        file.Dispose();
        file.Dispose();

        Assert.Throws<ObjectDisposedException>(() => file.ReadFloats("model.norm.weight"));
    }
}
