using System.Buffers.Binary;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Tests.Runs;

public sealed class TensorBoardEventsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("events-").FullName;
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000));

    [Fact]
    public void The_masked_crc_of_the_check_string_is_the_known_one() =>
        // CRC-32C("123456789") = 0xe3069283 (RFC 3720, B.4 gives the polynomial's check value), then TFRecord's mask.
        Assert.Equal(0xc78ab0e5u, TensorBoardEvents.MaskedCrc("123456789"u8));

    [Fact]
    public void The_file_has_the_bytes_of_an_independent_encoder()
    {
        using (var events = new TensorBoardEvents(_folder, 0, _clock))
            events.Append(300, new Dictionary<string, double> { ["train/loss"] = 0.5 });

        // Made with struct.pack and a bitwise CRC in Python, from record_writer.h and event.proto.
        const string Version = "1800000000000000a37f4b220900000040fc54d9411a0d627261696e2e4576656e743a32eced8f9d";
        const string Start = "0f000000000000006d532b090900000040fc54d94110003a020801601fc41a";
        const string Loss = "2100000000000000017becf60900000040fc54d94110ac022a130a110a0a747261696e2f6c6f7373150000003fdcc660a4";
        string file = Assert.Single(Directory.GetFiles(_folder));
        Assert.Equal("events.out.tfevents.1700000000.0000", Path.GetFileName(file));
        Assert.Equal(Version + Start + Loss, Convert.ToHexStringLower(File.ReadAllBytes(file)));
    }

    [Fact]
    public void What_is_written_parses_back_record_by_record()
    {
        string longName = new('n', 300);
        using (var events = new TensorBoardEvents(_folder, 0, _clock))
            events.Append(7_000_000_000, new Dictionary<string, double> { ["a"] = 1.25, [longName] = double.NaN });

        byte[] record = Records(Directory.GetFiles(_folder)[0])[2];

        var fields = Fields(record).ToList();
        Assert.Equal(1_700_000_000.0, BitConverter.ToDouble(fields[0].Content));
        Assert.Equal(7_000_000_000ul, fields[1].Number);
        var values = Fields(fields[2].Content).Select(value => Fields(value.Content).ToList()).ToList();
        Assert.Equal(["a", longName], values.Select(value => Encoding.UTF8.GetString(value[0].Content)));
        Assert.Equal([1.25f, float.NaN], values.Select(value => BitConverter.ToSingle(value[1].Content)));
    }

    [Fact]
    public void A_resumed_run_adds_a_file_that_starts_at_the_next_step()
    {
        new TensorBoardEvents(_folder, 0, _clock).Dispose();
        new TensorBoardEvents(_folder, 40, _clock).Dispose();

        string[] files = [.. Directory.GetFiles(_folder).Order(StringComparer.Ordinal)];
        Assert.Equal(2, files.Length);
        var start = Fields(Records(files[1])[1]).ToList();
        Assert.Equal((2, 41ul), (start[1].Id, start[1].Number));
        Assert.Equal((7, "0801"), (start[2].Id, Convert.ToHexStringLower(start[2].Content)));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static List<byte[]> Records(string path)
    {
        var records = new List<byte[]>();
        ReadOnlySpan<byte> rest = File.ReadAllBytes(path);
        while (rest.Length > 0)
        {
            int length = (int)BinaryPrimitives.ReadInt64LittleEndian(rest);
            Assert.Equal(TensorBoardEvents.MaskedCrc(rest[..8]), BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]));
            byte[] data = rest.Slice(12, length).ToArray();
            Assert.Equal(TensorBoardEvents.MaskedCrc(data), BinaryPrimitives.ReadUInt32LittleEndian(rest[(12 + length)..]));
            records.Add(data);
            rest = rest[(16 + length)..];
        }

        return records;
    }

    private static IEnumerable<(int Id, ulong Number, byte[] Content)> Fields(byte[] message)
    {
        int at = 0;
        while (at < message.Length)
        {
            ulong tag = Number();
            (int id, int wireType) = ((int)(tag >> 3), (int)(tag & 7));
            ulong number = wireType == 0 ? Number() : 0;
            int length = wireType switch { 0 => 0, 1 => 8, 5 => 4, _ => (int)Number() };
            yield return (id, number, message[at..(at + length)]);
            at += length;
        }

        ulong Number()
        {
            ulong number = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte next = message[at++];
                number |= (ulong)(next & 0x7f) << shift;
                if (next < 0x80)
                    return number;
            }
        }
    }
}
