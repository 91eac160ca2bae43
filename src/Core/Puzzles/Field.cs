namespace Vlm.Puzzles;

/// <summary>A slowly varying quantity over a frame, kept at one value per <c>step</c> pixels and interpolated bilinearly row by row.</summary>
internal sealed class Field
{
    private readonly int _step;
    private readonly float[] _blended;

    /// <summary>A field of zeros over a frame.</summary>
    public Field(int frameWidth, int frameHeight, int step)
    {
        _step = step;
        Columns = (frameWidth / step) + 2;
        Rows = (frameHeight / step) + 2;
        Values = new float[Columns * Rows];
        _blended = new float[Columns];
    }

    /// <summary>Values in a row.</summary>
    public int Columns { get; }

    /// <summary>Rows of values.</summary>
    public int Rows { get; }

    /// <summary>[Rows, Columns]; value (r, c) belongs to pixel (r * step, c * step).</summary>
    public float[] Values { get; }

    /// <summary>A field of f(x, y) with x and y from 0 to 1 over the frame.</summary>
    public static Field From(int frameWidth, int frameHeight, int step, Func<float, float, float> value)
    {
        var field = new Field(frameWidth, frameHeight, step);
        for (var row = 0; row < field.Rows; row++)
        {
            for (var column = 0; column < field.Columns; column++)
                field.Values[(row * field.Columns) + column] = value(column * step / (float)frameWidth, row * step / (float)frameHeight);
        }

        return field;
    }

    /// <summary>The values of one row of pixels.</summary>
    public void Row(int y, Span<float> row)
    {
        var (above, part) = Math.DivRem(y, _step);
        var share = part / (float)_step;
        for (var column = 0; column < Columns; column++)
        {
            var top = Values[(above * Columns) + column];
            _blended[column] = top + (share * (Values[((above + 1) * Columns) + column] - top));
        }

        var perPixel = 1f / _step;
        for (int column = 0, x = 0; x < row.Length; column++)
        {
            var value = _blended[column];
            var slope = (_blended[column + 1] - value) * perPixel;
            for (var end = Math.Min(row.Length, x + _step); x < end; x++, value += slope) row[x] = value;
        }
    }
}
