namespace Vlm.Engine.Ort;

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
