using Vlm.Package;

namespace Vlm.Engine.GenAi;

/// <summary>The decoder over ONNX Runtime GenAI: one generator for each row, which reads its prompt by itself.</summary>
/// <remarks>A batch in one generator cannot be cut back and needs rows of equal length.</remarks>
internal sealed class GenAiDecoder : IDecoder
{
    private readonly GenAiVlm _vlm;
    private readonly GenAiRow[] _rows;

    public GenAiDecoder(GenAiVlm vlm, int rows, int maxLength)
    {
        _vlm = vlm;
        MaxLength = maxLength;
        _rows = [.. Enumerable.Range(0, rows).Select(_ => new GenAiRow(vlm, maxLength))];
    }

    public int Rows => _rows.Length;

    public int MaxLength { get; }

    public bool CanAppend => _vlm.GivesAllLogits;

    public void Prefill(IReadOnlyList<Prompt> prompts)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        if (prompts.Count == 0 || Rows % prompts.Count != 0)
            throw new ArgumentException($"{prompts.Count} prompts cannot share {Rows} rows evenly.", nameof(prompts));
        foreach (var prompt in prompts) prompt.Check(_vlm.Config, MaxLength);
        for (var row = 0; row < Rows; row++) _rows[row].Read(prompts[row % prompts.Count]);
    }

    public void Step(ReadOnlySpan<int> tokens)
    {
        if (tokens.Length != Rows) throw new ArgumentException($"{tokens.Length} tokens for {Rows} rows.", nameof(tokens));
        for (var row = 0; row < Rows; row++) Check(row, tokens[row] < 0 ? [] : tokens.Slice(row, 1));
        for (var row = 0; row < Rows; row++)
        {
            if (tokens[row] >= 0) _rows[row].Append(tokens.Slice(row, 1));
        }
    }

    public ReadOnlySpan<float> Append(int row, ReadOnlySpan<int> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfZero(tokens.Length, nameof(tokens));
        Check(row, tokens);
        var logits = _rows[row].Append(tokens);
        if (logits.Length != tokens.Length * _vlm.Config.VocabularySize)
            throw new ModelException($"The decoder graph of '{_vlm.Config.Folder}' gives logits of its last token only; that is not what its outputs promise.");
        return logits;
    }

    public ReadOnlySpan<float> Logits(int row) => _rows[row].Logits;

    public int Length(int row) => _rows[row].Length;

    public void Rewind(int row, int length)
    {
        var (start, end) = (_rows[row].TextStart, _rows[row].Length);
        if (length < start || length > end)
        {
            throw new ArgumentOutOfRangeException(nameof(length), length,
                $"Row {row} holds {end} tokens and its pictures end at {start}: it can be cut back to {start} … {end}.");
        }
        _rows[row].Rewind(length);
    }

    public float[]? PictureAttention(int row) => _rows[row].PictureAttention();

    public void Dispose()
    {
        foreach (var row in _rows) row.Dispose();
    }

    private void Check(int row, ReadOnlySpan<int> tokens)
    {
        var length = _rows[row].Length;
        if (length == 0) throw new InvalidOperationException("The decoder has read no prompt yet.");
        if (length + tokens.Length > MaxLength)
            throw new InvalidOperationException($"Row {row} holds {length} tokens and has memory for {MaxLength}: {tokens.Length} more do not fit.");
        foreach (var token in tokens)
        {
            if (token < 0 || token >= _vlm.Config.VocabularySize)
                throw new ArgumentOutOfRangeException(nameof(tokens), token, $"The vocabulary has {_vlm.Config.VocabularySize} tokens.");
        }
    }
}
