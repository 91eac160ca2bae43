using Microsoft.ML.OnnxRuntime;
using Vlm.Model;

namespace Vlm.Engine.Ort;

/// <summary>Everything that one decode step reads and writes, allocated and bound once. A step allocates nothing that stays.</summary>
internal sealed class StepBuffers : IDisposable
{
    private readonly string _maskName;
    private readonly int _rows;
    private readonly NativeTensor _ids, _mask, _positions, _noFeatures;
    private readonly ITensorMemory _embeddings;
    private readonly OrtValue?[] _maskByWidth;
    private readonly IDisposable _memoryViews;
    private int _width;

    public StepBuffers(OnnxVlm vlm, KeyValueMemory memory)
    {
        var (embedding, text, names) = (vlm.Config.Embedding, vlm.Config.Text, vlm.Text.InputMetadata);
        (_rows, _maskName) = (memory.Rows, text.Mask);
        _ids = new NativeTensor(vlm.Embedding.InputMetadata[embedding.InputIds].ElementDataType, _rows, 1);
        _noFeatures = new NativeTensor(vlm.Embedding.InputMetadata[embedding.Features].ElementDataType, 0, vlm.Config.HiddenSize);
        var embedded = names[text.Embeddings].ElementDataType;
        _embeddings = vlm.Device is { } device
            ? device.Allocate(embedded, _rows, 1, vlm.Config.HiddenSize)
            : new NativeTensor(embedded, _rows, 1, vlm.Config.HiddenSize);
        _mask = new NativeTensor(names[text.Mask].ElementDataType, _rows, memory.Capacity);
        _positions = new NativeTensor(names[text.Positions].ElementDataType, 3, _rows, 1);
        _maskByWidth = new OrtValue?[memory.Capacity + 1];
        Logits = new NativeTensor(vlm.Text.OutputMetadata[text.Logits].ElementDataType, _rows, 1, vlm.Config.VocabularySize);
        if (vlm.Text.OutputMetadata.TryGetValue(PointerHead.QueryOutput, out var pointer))
            Pointer = new NativeTensor(pointer.ElementDataType, _rows, 1, memory.HeadSize);

        Embedding = vlm.Embedding.CreateIoBinding();
        Embedding.BindInput(embedding.InputIds, _ids.Value);
        Embedding.BindInput(embedding.Features, _noFeatures.Value);
        Embedding.BindOutput(embedding.Embeddings, _embeddings.Value);
        Text = vlm.Text.CreateIoBinding();
        Text.BindInput(text.Embeddings, _embeddings.Value);
        Text.BindInput(text.Positions, _positions.Value);
        if (names.ContainsKey(embedding.InputIds)) Text.BindInput(embedding.InputIds, _ids.Value);
        Text.BindOutput(text.Logits, Logits.Value);
        if (Pointer is not null) Text.BindOutput(PointerHead.QueryOutput, Pointer.Value);
        _memoryViews = memory.Bind(Text, 0, _rows);
    }

    public OrtIoBinding Embedding { get; }

    public OrtIoBinding Text { get; }

    /// <summary>[B, 1, V]</summary>
    public NativeTensor Logits { get; }

    /// <summary>[B, 1, head], if the package has it.</summary>
    public NativeTensor? Pointer { get; }

    /// <summary>Writes the inputs of a step.</summary>
    /// <param name="tokens">[B]; negative for a row that is left as it is.</param>
    /// <param name="rows">[B] the rows before the step.</param>
    /// <param name="width">The longest history after the step.</param>
    public void Fill(ReadOnlySpan<int> tokens, RowState[] rows, int width)
    {
        for (var row = 0; row < _rows; row++)
        {
            _ids.Set(row, Math.Max(tokens[row], 0));
            var position = rows[row].Length + rows[row].Delta;
            for (var plane = 0; plane < 3; plane++) _positions.Set(plane * _rows + row, position);
            for (var place = 0; place < width; place++) _mask.Set(row * width + place, place <= rows[row].Length ? 1 : 0);
        }
        if (width == _width) return;
        _width = width;
        Text.BindInput(_maskName, _maskByWidth[width] ??= _mask.View([_rows, width]));
    }

    public void Dispose()
    {
        Embedding.Dispose();
        Text.Dispose();
        _memoryViews.Dispose();
        foreach (var mask in _maskByWidth) mask?.Dispose();
        foreach (var tensor in (ITensorMemory?[])[_ids, _mask, _positions, _noFeatures, _embeddings, Logits, Pointer]) tensor?.Dispose();
    }
}

/// <summary>Tokens, positions and mask of several tokens a row, as tensors.</summary>
internal sealed class PrefillInput : IDisposable
{
    private PrefillInput(OnnxVlm vlm, int rows, int tokens, int history)
    {
        Ids = new NativeTensor(vlm.Embedding.InputMetadata[vlm.Config.Embedding.InputIds].ElementDataType, rows, tokens);
        Mask = new NativeTensor(vlm.Text.InputMetadata[vlm.Config.Text.Mask].ElementDataType, rows, history + tokens);
        Positions = new NativeTensor(vlm.Text.InputMetadata[vlm.Config.Text.Positions].ElementDataType, 3, rows, tokens);
        for (var place = 0; place < rows * (history + tokens); place++) Mask.Set(place, 1);
    }

    /// <summary>Prompts of one length, from the start of their rows.</summary>
    public PrefillInput(OnnxVlm vlm, Prompt[] prompts)
        : this(vlm, prompts.Length, prompts[0].Ids.Length, history: 0)
    {
        var (rows, length) = (prompts.Length, prompts[0].Ids.Length);
        for (var row = 0; row < rows; row++)
        {
            for (var place = 0; place < length; place++)
            {
                var at = row * length + place;
                Ids.Set(at, prompts[row].Ids[place]);
                for (var plane = 0; plane < 3; plane++) Positions.Set(plane * rows * length + at, prompts[row].Positions.Values[plane * length + place]);
            }
        }
    }

    /// <summary>Text tokens that go on from the history of one row.</summary>
    public PrefillInput(OnnxVlm vlm, ReadOnlySpan<int> tokens, RowState row)
        : this(vlm, rows: 1, tokens.Length, row.Length)
    {
        for (var i = 0; i < tokens.Length; i++)
        {
            Ids.Set(i, tokens[i]);
            for (var plane = 0; plane < 3; plane++) Positions.Set(plane * tokens.Length + i, row.Length + i + row.Delta);
        }
    }

    /// <summary>[B, S]</summary>
    public NativeTensor Ids { get; }

    /// <summary>[B, history + S] all ones.</summary>
    public NativeTensor Mask { get; }

    /// <summary>[3, B, S]</summary>
    public NativeTensor Positions { get; }

    public void Dispose()
    {
        Ids.Dispose();
        Mask.Dispose();
        Positions.Dispose();
    }
}
