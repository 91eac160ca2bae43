using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Vlm.Model;
using Vlm.Package;

namespace Vlm.Engine.Ort;

/// <summary>The decoder over ONNX Runtime: key/value memory that past and present share, bound once; per step only the mask's width changes.</summary>
/// <remarks>On a device, keys, values and embeddings stay there; tokens, mask, positions and logits are small and come from and go to the processor.</remarks>
internal sealed class OnnxDecoder : IDecoder
{
    private readonly OnnxVlm _vlm;
    private readonly KeyValueMemory _memory;
    private readonly StepBuffers _step;
    private readonly RowState[] _rows;
    private readonly float[] _logits;
    private readonly float[]? _pointers;
    private float[] _appended = [];
    private readonly int _headSize;

    public OnnxDecoder(OnnxVlm vlm, int rows, int maxLength)
    {
        _vlm = vlm;
        (Rows, MaxLength) = (rows, maxLength);
        _memory = new KeyValueMemory(vlm, rows, maxLength);
        _step = new StepBuffers(vlm, _memory);
        _rows = [.. Enumerable.Range(0, rows).Select(_ => new RowState())];
        _logits = new float[rows * vlm.Config.VocabularySize];
        _headSize = _memory.HeadSize;
        if (_step.Pointer is not null) _pointers = new float[rows * _headSize];
    }

    public int Rows { get; }

    public int MaxLength { get; }

    public void Prefill(IReadOnlyList<Prompt> prompts)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        if (prompts.Count == 0 || Rows % prompts.Count != 0)
            throw new ArgumentException($"{prompts.Count} prompts cannot share {Rows} rows evenly.", nameof(prompts));
        foreach (var prompt in prompts) prompt.Check(_vlm.Config, MaxLength);
        // Rows of equal length run together; there is no padding, so nothing depends on the neighbours.
        for (var first = 0; first < prompts.Count;)
        {
            var end = first + 1;
            while (end < prompts.Count && prompts[end].Ids.Length == prompts[first].Ids.Length) end++;
            PrefillRows(first, [.. Enumerable.Range(first, end - first).Select(row => prompts[row])]);
            first = end;
        }
        for (var row = prompts.Count; row < Rows; row++) CopyRow(row % prompts.Count, row);
    }

    public void Step(ReadOnlySpan<int> tokens)
    {
        if (tokens.Length != Rows) throw new ArgumentException($"{tokens.Length} tokens for {Rows} rows.", nameof(tokens));
        var width = 0;
        for (var row = 0; row < Rows; row++)
        {
            var state = _rows[row];
            if (state.Length == 0) throw new InvalidOperationException("The decoder has read no prompt yet.");
            if (tokens[row] >= 0 && state.Length == MaxLength)
                throw new InvalidOperationException($"Row {row} holds {MaxLength} tokens, which is all it has memory for.");
            if (tokens[row] >= _vlm.Config.VocabularySize)
                throw new ArgumentOutOfRangeException(nameof(tokens), tokens[row], $"The vocabulary has {_vlm.Config.VocabularySize} tokens.");
            width = Math.Max(width, state.Length + 1);
        }
        _step.Fill(tokens, _rows, width);
        Run(tokens);
        for (var row = 0; row < Rows; row++)
        {
            if (tokens[row] < 0) continue;
            _rows[row].Length++;
            _step.Logits.Read(row * _vlm.Config.VocabularySize, LogitsOf(row));
            if (_pointers is not null) _step.Pointer!.Read(row * _headSize, PointerOf(row));
        }
    }

    public bool CanAppend => _vlm.Text.OutputMetadata[_vlm.Config.Text.Logits].Dimensions[1] != 1;

    public ReadOnlySpan<float> Append(int row, ReadOnlySpan<int> tokens)
    {
        ArgumentOutOfRangeException.ThrowIfZero(tokens.Length, nameof(tokens));
        var state = _rows[row];
        if (state.Length == 0) throw new InvalidOperationException("The decoder has read no prompt yet.");
        if (state.Length + tokens.Length > MaxLength)
            throw new InvalidOperationException($"Row {row} holds {state.Length} tokens and has memory for {MaxLength}: {tokens.Length} more do not fit.");
        using var input = new PrefillInput(_vlm, tokens, state);
        using var results = RunRows(input, [], row, 1);
        var logits = results.Logits;
        var (vocabulary, count) = (_vlm.Config.VocabularySize, tokens.Length);
        if (logits.GetTensorTypeAndShape().Shape[1] != count)
            throw new ModelException($"The decoder graph of '{_vlm.Config.Folder}' gives logits of its last token only; that is not what its outputs promise.");
        if (_appended.Length < count * vocabulary) _appended = new float[count * vocabulary];
        CopyFrom(logits, 0, _appended.AsSpan(0, count * vocabulary));
        _appended.AsSpan((count - 1) * vocabulary, vocabulary).CopyTo(LogitsOf(row));
        if (results.Pointer is { } pointer) CopyFrom(pointer, (count - 1) * _headSize, PointerOf(row));
        state.Length += count;
        return _appended.AsSpan(0, count * vocabulary);
    }

    public ReadOnlySpan<float> Logits(int row) => LogitsOf(row);

    public int Length(int row) => _rows[row].Length;

    public void Rewind(int row, int length)
    {
        var state = _rows[row];
        if (length < state.TextStart || length > state.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(length), length,
                $"Row {row} holds {state.Length} tokens and its pictures end at {state.TextStart}: it can be cut back to {state.TextStart} … {state.Length}.");
        }
        state.Length = length;
    }

    public float[]? PictureAttention(int row) => _pointers is null ? null : PointerAttention.Weights(PointerOf(row), _rows[row].PictureKeys);

    public void Dispose()
    {
        _step.Dispose();
        _memory.Dispose();
    }

    private static OnnxPicture Own(EncodedPicture picture) => picture as OnnxPicture
        ?? throw new ArgumentException($"The prompt holds a {picture.GetType().Name}, which another engine made. Encode it with this one.");

    private Span<float> LogitsOf(int row) => _logits.AsSpan(row * _vlm.Config.VocabularySize, _vlm.Config.VocabularySize);

    private Span<float> PointerOf(int row) => _pointers.AsSpan(row * _headSize, _headSize);

    /// <summary>Runs prompts of one length as a batch into the rows from <paramref name="first"/> on.</summary>
    private void PrefillRows(int first, Prompt[] prompts)
    {
        using var input = new PrefillInput(_vlm, prompts);
        using var results = RunRows(input, [.. prompts.SelectMany(prompt => prompt.Pictures).Select(Own)], first, prompts.Length);
        for (var i = 0; i < prompts.Length; i++)
        {
            CopyLast(results.Logits, i, LogitsOf(first + i));
            if (results.Pointer is { } pointer) CopyLast(pointer, i, PointerOf(first + i));
            _rows[first + i].Start(prompts[i], _vlm.Config.Tokens.Image);
            if (_pointers is not null) _rows[first + i].PictureKeys = _memory.ReadPointerKeys(first + i, _rows[first + i].PicturePlaces);
        }
    }

    /// <summary>Runs several tokens a row, after what the rows hold.</summary>
    private RowResults RunRows(PrefillInput input, OnnxPicture[] pictures, int first, int count)
    {
        using var embedded = Embed(input, pictures);
        using var binding = _vlm.Text.CreateIoBinding();
        var names = _vlm.Config.Text;
        binding.BindInput(names.Embeddings, embedded[0]);
        binding.BindInput(names.Mask, input.Mask.Value);
        binding.BindInput(names.Positions, input.Positions.Value);
        // Only graphs that ask for the tokens get them.
        if (_vlm.Text.InputMetadata.ContainsKey(_vlm.Config.Embedding.InputIds)) binding.BindInput(_vlm.Config.Embedding.InputIds, input.Ids.Value);
        using var views = _memory.Bind(binding, first, count);
        binding.BindOutputToDevice(names.Logits, OrtMemoryInfo.DefaultInstance);
        if (_pointers is not null) binding.BindOutputToDevice(PointerHead.QueryOutput, OrtMemoryInfo.DefaultInstance);
        _vlm.Run(_vlm.Text, names.File, binding);
        var (values, outputs) = (binding.GetOutputValues(), binding.GetOutputNames());
        var pointer = _pointers is null ? null : values[Array.IndexOf(outputs, PointerHead.QueryOutput)];
        return new RowResults(values, values[Array.IndexOf(outputs, names.Logits)], pointer);
    }

    private IDisposableReadOnlyCollection<OrtValue> Embed(PrefillInput input, OnnxPicture[] pictures)
    {
        var names = _vlm.Config.Embedding;
        var type = _vlm.Embedding.InputMetadata[names.Features].ElementDataType;
        // One picture's features can be given as they are; several, or none, are laid one after the other, in the order of their placeholders.
        using var joined = pictures.Length == 1 ? null : Join(pictures, type);
        using var binding = _vlm.Embedding.CreateIoBinding();
        binding.BindInput(names.InputIds, input.Ids.Value);
        binding.BindInput(names.Features, joined?.Value ?? pictures[0].Features.Value);
        binding.BindOutputToDevice(names.Embeddings, _vlm.Device?.Place ?? OrtMemoryInfo.DefaultInstance);
        _vlm.Run(_vlm.Embedding, names.File, binding);
        return binding.GetOutputValues();
    }

    private NativeTensor Join(OnnxPicture[] pictures, TensorElementType type)
    {
        var joined = new NativeTensor(type, pictures.Sum(picture => picture.Tokens), _vlm.Config.HiddenSize);
        var target = joined.Bytes;
        foreach (var picture in pictures)
        {
            picture.Features.Bytes.CopyTo(target);
            target = target[picture.Features.Bytes.Length..];
        }
        return joined;
    }

    private void Run(ReadOnlySpan<int> tokens)
    {
        try
        {
            _vlm.Run(_vlm.Embedding, _vlm.Config.Embedding.File, _step.Embedding);
        }
        catch (ModelException e) when (tokens.Contains(_vlm.Config.Tokens.Image))
        {
            throw new ModelException("The model wrote a picture token, and the embedding graph of this package cannot take one there.", e);
        }
        _vlm.Run(_vlm.Text, _vlm.Config.Text.File, _step.Text);
    }

    /// <summary>Copies the last position of a row of [B, S, n] (or of [B, 1, n]).</summary>
    private static void CopyLast(OrtValue value, int row, Span<float> target) =>
        CopyFrom(value, ((row + 1) * (int)value.GetTensorTypeAndShape().Shape[1] - 1) * target.Length, target);

    private static void CopyFrom(OrtValue value, int start, Span<float> target)
    {
        var isWide = value.GetTensorTypeAndShape().ElementDataType == TensorElementType.Float;
        if (isWide) value.GetTensorDataAsSpan<float>().Slice(start, target.Length).CopyTo(target);
        else NativeTensor.Widen(MemoryMarshal.Cast<Float16, Half>(value.GetTensorDataAsSpan<Float16>()).Slice(start, target.Length), target);
    }

    private void CopyRow(int from, int to)
    {
        _memory.CopyRow(from, to, _rows[from].Length);
        _rows[to].CopyFrom(_rows[from]);
        LogitsOf(from).CopyTo(LogitsOf(to));
        if (_pointers is not null) PointerOf(from).CopyTo(PointerOf(to));
    }

    /// <summary>What the decoder graph gave, as long as it lives.</summary>
    private sealed record RowResults(IDisposable Values, OrtValue Logits, OrtValue? Pointer) : IDisposable
    {
        public void Dispose() => Values.Dispose();
    }
}

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

    /// <summary>[places, head] the rotated keys of the pointing head at those places; empty when the package does not show where it looks.</summary>
    public float[] PictureKeys { get; set; } = [];

    public void Start(Prompt prompt, int imageToken)
    {
        Length = prompt.Ids.Length;
        Delta = prompt.Positions.Delta;
        PicturePlaces = [.. Enumerable.Range(0, prompt.Ids.Length).Where(place => prompt.Ids[place] == imageToken)];
        TextStart = PicturePlaces.Length == 0 ? 1 : PicturePlaces[^1] + 1;
    }

    public void CopyFrom(RowState other) =>
        (Length, Delta, TextStart, PicturePlaces, PictureKeys) = (other.Length, other.Delta, other.TextStart, other.PicturePlaces, other.PictureKeys);
}
