using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntimeGenAI;
using Vlm.Model;

namespace Vlm.Engine.GenAi;

/// <summary>One row: a generator of the library, what it last gave, and what must be remembered of its prompt.</summary>
/// <remarks>
/// Tokens are only ever appended: after <c>GenerateNextToken</c> an append is silently wrong. A prompt always gets a generator of its own: one that is cut back
/// to its beginning keeps the old picture.
/// </remarks>
internal sealed class GenAiRow(GenAiVlm vlm, int maxLength) : IDisposable
{
    private readonly float[] _logits = new float[vlm.Config.VocabularySize];
    private Generator? _generator;
    private float[] _pointer = [];
    private float[] _keys = [];

    /// <summary>[V] after the last token.</summary>
    public ReadOnlySpan<float> Logits => _logits;

    public int Length { get; private set; }

    /// <summary>The first place after the last picture.</summary>
    public int TextStart { get; private set; }

    public void Read(Prompt prompt)
    {
        Dispose();
        GenAiPicture[] pictures = [.. prompt.Pictures.Select(Own)];
        using var parameters = new GeneratorParams(vlm.Model);
        parameters.SetSearchOption("max_length", maxLength);
        _generator = vlm.Run(() => new Generator(vlm.Model, parameters));
        vlm.Run(() => ReadWith(pictures, prompt.Ids));
        (Length, TextStart) = (prompt.Ids.Length, Math.Max(1, Array.LastIndexOf(prompt.Ids, vlm.Config.Tokens.Image) + 1));
        TakeLast();
        _keys = PictureKeys(prompt.Ids);
    }

    /// <summary>[n, V] or, where the package gives no more, [V].</summary>
    public float[] Append(ReadOnlySpan<int> tokens)
    {
        int[] appended = [.. tokens];
        vlm.Run(() =>
        {
            _generator!.AppendTokens(appended);
            return true;
        });
        Length += appended.Length;
        TakeLast();
        return appended.Length == 1 ? _logits : Floats(vlm.Config.Text.Logits);
    }

    public void Rewind(int length)
    {
        if (length == Length) return;
        vlm.Run(() =>
        {
            _generator!.RewindTo((ulong)length);
            return true;
        });
        Length = length;
    }

    public float[]? PictureAttention() => PointerAttention.Weights(_pointer, _keys);

    public void Dispose()
    {
        _generator?.Dispose();
        (_generator, Length) = (null, 0);
    }

    private static GenAiPicture Own(EncodedPicture picture) => picture as GenAiPicture
        ?? throw new ArgumentException($"The prompt holds a {picture.GetType().Name}, which another engine made. Encode it with this one.");

    /// <summary>The library does not copy what it is given: it must stay where it is until the tokens are read.</summary>
    private unsafe bool ReadWith(GenAiPicture[] pictures, int[] ids)
    {
        if (pictures.Length == 0)
        {
            _generator!.AppendTokens(ids);
            return true;
        }

        float[] values = [.. pictures.SelectMany(picture => picture.Patches.Values)];
        long patches = pictures.Sum(picture => picture.Grid.Patches);
        long[] grids = [.. pictures.SelectMany(picture => (long[])[picture.Grid.Frames, picture.Grid.Rows, picture.Grid.Columns])];
        long[] tokens = [pictures.Sum(picture => picture.Tokens)];
        var isHalf = vlm.FloatType == ElementType.float16;
        var halves = isHalf ? Array.ConvertAll(values, value => (Half)value) : [];
        fixed (float* wide = values)
        fixed (Half* narrow = halves)
        fixed (long* grid = grids)
        fixed (long* count = tokens)
        {
            using var pixels = new Tensor(isHalf ? (nint)narrow : (nint)wide, [patches, values.Length / patches], vlm.FloatType);
            using var shapes = new Tensor((nint)grid, [pictures.Length, 3], ElementType.int64);
            using var number = new Tensor((nint)count, [1], ElementType.int64);
            _generator!.SetModelInput(vlm.Config.Vision.PixelValues, pixels);
            _generator.SetModelInput(vlm.Config.Vision.Grid, shapes);
            _generator.SetModelInput("num_image_tokens", number);
            _generator.AppendTokens(ids);
        }
        return true;
    }

    private void TakeLast()
    {
        Floats(vlm.Config.Text.Logits).AsSpan(^_logits.Length).CopyTo(_logits);
        if (!vlm.ShowsAttention) return;
        _pointer = Floats(PointerHead.QueryOutput)[^vlm.Config.HeadSize..];
    }

    /// <summary>[places, head] the rotated keys of the pointing head at the prompt's picture tokens; they do not change afterwards.</summary>
    private float[] PictureKeys(int[] ids)
    {
        if (vlm.PointerKeys is not { } name) return [];
        // [1, heads, places, head]: the first head comes first.
        var all = Floats(name);
        var size = vlm.Config.HeadSize;
        return [.. Enumerable.Range(0, ids.Length)
            .Where(place => ids[place] == vlm.Config.Tokens.Image).SelectMany(place => all[(place * size)..((place + 1) * size)])];
    }

    private float[] Floats(string output) => vlm.Run(() =>
    {
        using var tensor = _generator!.GetOutput(output);
        return tensor.Type() == ElementType.float16
            ? Array.ConvertAll(MemoryMarshal.Cast<ushort, Half>(tensor.GetData<ushort>()).ToArray(), value => (float)value)
            : tensor.GetData<float>().ToArray();
    });
}
