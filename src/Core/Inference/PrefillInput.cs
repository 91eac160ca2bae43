namespace Vlm.Inference;

/// <summary>Tokens, positions and mask of prompts of one length, as tensors.</summary>
internal sealed class PrefillInput : IDisposable
{
    public PrefillInput(OnnxVlm vlm, Prompt[] prompts)
    {
        var (rows, length) = (prompts.Length, prompts[0].Ids.Length);
        Ids = new NativeTensor(vlm.Embedding.InputMetadata[vlm.Config.Embedding.InputIds].ElementDataType, rows, length);
        Mask = new NativeTensor(vlm.Text.InputMetadata[vlm.Config.Text.Mask].ElementDataType, rows, length);
        Positions = new NativeTensor(vlm.Text.InputMetadata[vlm.Config.Text.Positions].ElementDataType, 3, rows, length);
        for (var row = 0; row < rows; row++)
        {
            for (var place = 0; place < length; place++)
            {
                var at = row * length + place;
                Ids.Set(at, prompts[row].Ids[place]);
                Mask.Set(at, 1);
                for (var plane = 0; plane < 3; plane++) Positions.Set(plane * rows * length + at, prompts[row].Positions.Values[plane * length + place]);
            }
        }
    }

    /// <summary>[B, S]</summary>
    public NativeTensor Ids { get; }

    /// <summary>[B, S] all ones.</summary>
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
