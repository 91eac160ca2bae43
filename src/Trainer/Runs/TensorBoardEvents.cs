using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Vlm.Trainer.Runs;

/// <summary>Writes an <c>events.out.tfevents.*</c> file of scalars that TensorBoard reads.</summary>
/// <remarks>
/// The file is a TFRecord stream (tensorflow/core/lib/io/record_writer.h) of <c>Event</c> messages (tensorflow/core/util/event.proto).
/// Two message types with five fields do not pay for a protobuf dependency, so they are encoded by hand here.
/// A resumed run adds a file; its first event tells TensorBoard to forget the steps that will come again.
/// </remarks>
public sealed class TensorBoardEvents : IDisposable
{
    private readonly FileStream _file;
    private readonly TimeProvider _clock;

    /// <param name="folder">Where the file goes; must exist.</param>
    /// <param name="resumeStep">The last step kept from earlier files; 0 keeps none.</param>
    /// <param name="clock">Source of wall time; the system's when not given.</param>
    public TensorBoardEvents(string folder, long resumeStep, TimeProvider? clock = null)
    {
        _clock = clock ?? TimeProvider.System;
        _file = CreateNext(folder, _clock.GetUtcNow().ToUnixTimeSeconds());
        Append(new EventFields().WallTime(Now()).FileVersion("brain.Event:2"));
        long firstForgotten = resumeStep == 0 ? 0 : resumeStep + 1;
        Append(new EventFields().WallTime(Now()).Step(firstForgotten).SessionStart());
    }

    /// <summary>Writes one event with one scalar per value. NaN stays NaN.</summary>
    public void Append(long step, IReadOnlyDictionary<string, double> values) =>
        Append(new EventFields().WallTime(Now()).Step(step).Scalars(values));

    public void Dispose() => _file.Dispose();

    /// <summary>Frames one record: length, masked CRC of the length, data, masked CRC of the data; little endian.</summary>
    public static byte[] Record(ReadOnlySpan<byte> data)
    {
        var record = new byte[8 + 4 + data.Length + 4];
        BinaryPrimitives.WriteInt64LittleEndian(record, data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedCrc(record.AsSpan(0, 8)));
        data.CopyTo(record.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), MaskedCrc(data));
        return record;
    }

    /// <summary>CRC-32C, rotated and offset: TFRecord masks it so that a record holding a record does not check itself.</summary>
    public static uint MaskedCrc(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in data)
            crc = BitOperations.Crc32C(crc, b);
        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8u;
    }

    private void Append(EventFields fields)
    {
        _file.Write(Record(fields.Bytes));
        _file.Flush();
    }

    private double Now() => _clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;

    // TensorBoard reads the files of a folder in the order of their names; two starts within a second differ by the last number.
    private static FileStream CreateNext(string folder, long seconds)
    {
        for (int number = 0; ; number++)
        {
            string path = Path.Combine(folder, $"events.out.tfevents.{seconds:D10}.{number:D4}");
            if (!File.Exists(path))
                return new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        }
    }

    /// <summary>The protobuf encoding of one Event, field by field.</summary>
    private sealed class EventFields
    {
        private const int Varint = 0, Fixed64 = 1, Delimited = 2, Fixed32 = 5;

        private readonly List<byte> _bytes = [];

        public byte[] Bytes => [.. _bytes];

        public EventFields WallTime(double unixSeconds) => Double(1, unixSeconds);

        public EventFields Step(long step) => Tag(2, Varint).Number((ulong)step);

        public EventFields FileVersion(string version) => Message(3, Encoding.UTF8.GetBytes(version));

        // Summary (field 5) holds one Value (field 1) per scalar: tag (1) and simple_value (2).
        public EventFields Scalars(IReadOnlyDictionary<string, double> values)
        {
            var summary = new EventFields();
            foreach (var (name, value) in values)
                summary.Message(1, new EventFields().Message(1, Encoding.UTF8.GetBytes(name)).Float(2, (float)value).Bytes);
            return Message(5, summary.Bytes);
        }

        // SessionLog (field 7) with status (1) START = 1.
        public EventFields SessionStart() => Message(7, [1 << 3 | Varint, 1]);

        private EventFields Double(int field, double value)
        {
            Tag(field, Fixed64);
            _bytes.AddRange(BitConverter.GetBytes(value));
            return this;
        }

        private EventFields Float(int field, float value)
        {
            Tag(field, Fixed32);
            _bytes.AddRange(BitConverter.GetBytes(value));
            return this;
        }

        private EventFields Message(int field, byte[] content)
        {
            Tag(field, Delimited).Number((ulong)content.Length);
            _bytes.AddRange(content);
            return this;
        }

        private EventFields Tag(int field, int wireType) => Number((ulong)(field << 3 | wireType));

        private EventFields Number(ulong value)
        {
            for (; value >= 0x80; value >>= 7)
                _bytes.Add((byte)(value | 0x80));
            _bytes.Add((byte)value);
            return this;
        }
    }
}
