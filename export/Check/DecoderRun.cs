using Microsoft.ML.OnnxRuntime;

namespace Vlm.Export.Check;

/// <summary>One run of the decoder over a prompt and its continuation; holds the keys and values.</summary>
/// <param name="sessions">Not owned.</param>
/// <param name="batch">Rows.</param>
/// <param name="bufferLength">When given, past and present are one buffer of this many tokens; else the cache grows with each step.</param>
internal sealed class DecoderRun(PlainSessions sessions, int batch, int? bufferLength = null) : IDisposable
{
    private readonly string[] _cacheNames =
        [.. Enumerable.Range(0, sessions.Layers).SelectMany(layer => new[] { $"{layer}.key", $"{layer}.value" })];

    private readonly string[] _extraOutputs =
        [.. sessions.Text.OutputMetadata.Keys.Where(name => !name.StartsWith("present.", StringComparison.Ordinal))];

    private OrtValue[]? _cache;

    /// <summary>Outputs of the last step that are not part of the cache, by name: <c>logits</c> and whatever else the graph gives.</summary>
    public IReadOnlyDictionary<string, float[]> Outputs { get; private set; } = new Dictionary<string, float[]>();

    /// <summary>A layer's keys or values as they are now: <c>"2.key"</c>.</summary>
    public float[] Cache(string name) => PlainSessions.ToFloats(_cache![Array.IndexOf(_cacheNames, name)]);

    /// <summary>Runs S more tokens of each row.</summary>
    /// <param name="embeds">[B, S, width].</param>
    /// <param name="mask">[B, T] 1 for tokens, 0 for padding, from the beginning of the prompt.</param>
    /// <param name="positions">[3, B, S].</param>
    /// <returns>[B, S, V] or, when pruned, [B, 1, V].</returns>
    public float[] Step(float[] embeds, long[] mask, long[] positions)
    {
        var tokens = positions.Length / 3 / batch;
        var past = _cache ?? Empty();
        using var run = new RunOptions();
        using var embedValues = PlainSessions.Floats(sessions.Text, "inputs_embeds", embeds, batch, tokens, sessions.Width);
        using var maskValues = PlainSessions.Integers(mask, batch, mask.Length / batch);
        using var positionValues = PlainSessions.Integers(positions, 3, batch, tokens);
        string[] inputNames = ["inputs_embeds", "attention_mask", "position_ids", .. _cacheNames.Select(name => "past_key_values." + name)];
        string[] outputNames = [.. _extraOutputs, .. _cacheNames.Select(name => "present." + name)];
        OrtValue[] inputs = [embedValues, maskValues, positionValues, .. past];
        // Unset outputs are allocated by the runtime; with one buffer for past and present it writes into the inputs.
        using var binding = sessions.Text.CreateIoBinding();
        for (var i = 0; i < inputs.Length; i++)
            binding.BindInput(inputNames[i], inputs[i]);
        for (var i = 0; i < outputNames.Length; i++)
        {
            if (bufferLength is not null && i >= _extraOutputs.Length)
                binding.BindOutput(outputNames[i], past[i - _extraOutputs.Length]);
            else
                binding.BindOutputToDevice(outputNames[i], OrtMemoryInfo.DefaultInstance);
        }
        sessions.Text.RunWithBinding(run, binding);
        Keep(binding, past);
        return Outputs["logits"];
    }

    public void Dispose() => Array.ForEach(_cache ?? [], value => value.Dispose());

    private void Keep(OrtIoBinding binding, OrtValue[] past)
    {
        OrtValue[] outputs = [.. binding.GetOutputValues()];
        Outputs = _extraOutputs.Select((name, i) => (name, Values: PlainSessions.ToFloats(outputs[i]))).ToDictionary(each => each.name, each => each.Values);
        Array.ForEach(outputs[.._extraOutputs.Length], value => value.Dispose());
        if (bufferLength is not null)
        {
            Array.ForEach(outputs[_extraOutputs.Length..], value => value.Dispose());
            _cache = past;
            return;
        }

        Array.ForEach(past, value => value.Dispose());
        _cache = outputs[_extraOutputs.Length..];
    }

    private OrtValue[] Empty() =>
    [
        .. _cacheNames.Select(name =>
        {
            var (heads, length, width) = (sessions.Config.KeyValueHeads, bufferLength ?? 0, sessions.Config.HeadSize);
            var zeros = new float[(long)batch * heads * length * width];
            return PlainSessions.Floats(sessions.Text, "past_key_values." + name, zeros, batch, heads, length, width);
        }),
    ];
}

