namespace Vlm.Engine.Ort;

/// <summary>What the decoder must remember of one row beside its keys and values.</summary>
internal sealed class RowState
{
    /// <summary>Tokens in the row's history.</summary>
    public int Length { get; set; }

    /// <summary>What is added to a token's place to get its rotary position: a picture advances positions less than places.</summary>
    public long Delta { get; private set; }

    /// <summary>The first place after the last picture.</summary>
    public int TextStart { get; private set; }

    /// <summary>The places of the picture tokens.</summary>
    public int[] PicturePlaces { get; private set; } = [];

    public void Start(Prompt prompt, int imageToken)
    {
        Length = prompt.Ids.Length;
        Delta = prompt.Positions.Delta;
        PicturePlaces = [.. Enumerable.Range(0, prompt.Ids.Length).Where(place => prompt.Ids[place] == imageToken)];
        TextStart = PicturePlaces.Length == 0 ? 1 : PicturePlaces[^1] + 1;
    }

    public void CopyFrom(RowState other) =>
        (Length, Delta, TextStart, PicturePlaces) = (other.Length, other.Delta, other.TextStart, other.PicturePlaces);
}
