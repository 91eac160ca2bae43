using System.Runtime.InteropServices;
using Vlm.Export.Options;

namespace Vlm.Export.Graphs;

/// <summary>Rows quantised while they are written. Codes and scales are two tensors of one computation: the scales wait here until the codes are out.</summary>
internal sealed class PackedRows(WeightRows rows, Quantization quantization)
{
    private float[]? _waiting;

    public void WriteCodes(Stream stream)
    {
        var (blocks, bytes) = (quantization.Blocks(rows.Columns), quantization.CodeBytes(rows.Columns));
        var scales = new float[rows.Count * blocks];
        var codes = new byte[bytes];
        rows.ForEachChunk((first, values) =>
        {
            for (var row = 0; row * rows.Columns < values.Length; row++)
            {
                quantization.PackRow(values.Span.Slice(row * rows.Columns, rows.Columns), codes, scales.AsSpan((first + row) * blocks, blocks));
                stream.Write(codes);
            }
        });
        _waiting = scales;
    }

    public void WriteScales(Stream stream)
    {
        if (_waiting is null)
            WriteCodes(Stream.Null); // small codes and large scales may be written apart
        stream.Write(MemoryMarshal.AsBytes<float>(_waiting));
        _waiting = null;
    }
}

