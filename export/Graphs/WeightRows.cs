using System.Runtime.InteropServices;
using Vlm.Export.Options;
using Vlm.Model;
using static Vlm.Export.Onnx.TensorProto.Types;

namespace Vlm.Export.Graphs;

/// <summary>One or several weights of a checkpoint with equally long rows, stacked: [N, K], read and written piece by piece.</summary>
internal sealed class WeightRows
{
    /// <summary>Bytes that a transposition may hold at a time.</summary>
    private const long PanelBytes = 32L << 20;

    private const int Tile = 32;
    private const int HalvesAtATime = 4096;

    private const long ChunkElements = 1L << 20;

    private readonly CheckpointFolder _checkpoint;
    private readonly (string Name, int Rows)[] _parts;

    public WeightRows(CheckpointFolder checkpoint, params string[] names)
    {
        _checkpoint = checkpoint;
        _parts = [.. names.Select(name => (name, checked((int)checkpoint.Info(name).Shape[0])))];
        var columns = names.Select(name => checkpoint.Info(name)).Select(info => checked((int)(info.Count / info.Shape[0]))).Distinct().ToList();
        if (columns.Count != 1)
            throw new ArgumentException($"{string.Join(", ", names)} have rows of different lengths, {string.Join(" and ", columns)}.", nameof(names));
        (Columns, Count) = (columns[0], _parts.Sum(part => part.Rows));
    }

    public string Name => string.Join('+', _parts.Select(part => part.Name));

    /// <summary>N.</summary>
    public int Count { get; }

    /// <summary>K; for a convolution kernel everything but the output channel.</summary>
    public int Columns { get; }

    private int RowsPerChunk => (int)Math.Max(1, ChunkElements / Columns);

    /// <summary>All rows in order, some at a time: the index of the first, and their values.</summary>
    public void ForEachChunk(Action<int, ReadOnlyMemory<float>> use)
    {
        var buffer = new float[Math.Min(RowsPerChunk, Count) * Columns];
        var done = 0;
        foreach (var (name, rows) in _parts)
        {
            for (var row = 0; row < rows; row += RowsPerChunk)
            {
                var chunk = buffer.AsMemory(0, Math.Min(RowsPerChunk, rows - row) * Columns);
                _checkpoint.ReadFloats(name, (long)row * Columns, chunk.Span);
                use(done + row, chunk);
            }

            done += rows;
        }
    }

    public void Write(Stream stream, DataType type) => ForEachChunk((_, values) => WriteAs(stream, values.Span, type));

    /// <summary>[K, N], the form MatMul takes: a panel of columns is gathered from all rows, written, and the next one begun.</summary>
    public void WriteTransposed(Stream stream, DataType type)
    {
        var width = (int)Math.Clamp(PanelBytes / sizeof(float) / Count, 1, Columns);
        var panel = new float[(long)width * Count];
        for (var first = 0; first < Columns; first += width)
        {
            var columns = Math.Min(width, Columns - first);
            ForEachChunk((row, values) => Scatter(values.Span, row, first, panel.AsSpan(0, columns * Count)));
            WriteAs(stream, panel.AsSpan(0, columns * Count), type);
        }
    }

    /// <summary>Tile by tile: rows are far apart on one side and columns on the other, and a tile of both stays in the cache.</summary>
    private void Scatter(ReadOnlySpan<float> rows, int firstRow, int firstColumn, Span<float> panel)
    {
        var (height, columns) = (rows.Length / Columns, panel.Length / Count);
        for (var top = 0; top < height; top += Tile)
        {
            for (var left = 0; left < columns; left += Tile)
            {
                for (var column = left; column < Math.Min(left + Tile, columns); column++)
                {
                    var target = panel.Slice(column * Count + firstRow, height);
                    for (var row = top; row < Math.Min(top + Tile, height); row++)
                        target[row] = rows[row * Columns + firstColumn + column];
                }
            }
        }
    }

    /// <exception cref="ExportException">A number is too large for the type.</exception>
    private void WriteAs(Stream stream, ReadOnlySpan<float> values, DataType type)
    {
        if (type == DataType.Float)
        {
            stream.Write(MemoryMarshal.AsBytes(values));
            return;
        }

        Span<Half> halves = stackalloc Half[HalvesAtATime];
        for (; values.Length > 0; values = values[Math.Min(HalvesAtATime, values.Length)..])
        {
            var some = halves[..Math.Min(HalvesAtATime, values.Length)];
            for (var i = 0; i < some.Length; i++)
                some[i] = Half.IsFinite((Half)values[i]) ? (Half)values[i] : throw TooLarge(values[i]);
            stream.Write(MemoryMarshal.AsBytes(some));
        }
    }

    private ExportException TooLarge(float value) =>
        new($"'{Name}' holds {value}; float16 holds no more than {Half.MaxValue}. Export it with another --precision.");
}

