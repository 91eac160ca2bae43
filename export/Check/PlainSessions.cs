using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Vlm.Export.Onnx;
using Vlm.Export.Options;

namespace Vlm.Export.Check;

/// <summary>The three graphs of a package, run plainly: no bindings kept, no sampling, every number handed over as float32 whatever the graph's type.</summary>
internal sealed class PlainSessions : IDisposable
{
    private readonly SessionOptions _options;

    private PlainSessions(string folder, SessionOptions options)
    {
        _options = options;
        Config = CheckedConfig.Load(folder);
        Vision = Load(folder, "vision.onnx");
        Embedding = Load(folder, "embedding.onnx");
        Text = Load(folder, "text.onnx");
        IsQuantized = Directory.EnumerateFiles(folder, "*.onnx").Any(file => OnnxFile.Read(file).Graph.Node.Any(node => node.OpType == "MatMulNBits"));
    }

    public CheckedConfig Config { get; }

    public InferenceSession Vision { get; }

    public InferenceSession Embedding { get; }

    public InferenceSession Text { get; }

    public bool IsQuantized { get; }

    public int Layers => Text.InputMetadata.Keys.Count(name => name.EndsWith(".key", StringComparison.Ordinal));

    public int Width => Embedding.OutputMetadata["inputs_embeds"].Dimensions[^1];

    public int PatchLength => Vision.InputMetadata["pixel_values"].Dimensions[^1];

    /// <summary>Whether a prompt gives logits of its last position only.</summary>
    public bool IsPruned => Text.OutputMetadata["logits"].Dimensions[1] == 1;

    public int Vocabulary => Text.OutputMetadata["logits"].Dimensions[^1];

    /// <exception cref="ExportException">The config or a graph is missing or cannot be used.</exception>
    public static PlainSessions Open(string folder)
    {
        // Half of the cores: checking is not a race. A graph that fails is reported as a failed check, so the runtime need not log it.
        var options = new SessionOptions
        {
            IntraOpNumThreads = Math.Max(1, Environment.ProcessorCount / 2),
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        try
        {
            return new PlainSessions(folder, options);
        }
        catch (OnnxRuntimeException e)
        {
            options.Dispose();
            throw new ExportException($"ONNX Runtime cannot load the graphs of '{folder}': {e.Message}", e);
        }
    }

    /// <summary>[Np, patch] patches of the pictures of the grids [n, 3] to [N, width] features.</summary>
    public float[] Features(float[] pixels, params ReadOnlySpan<long> grids)
    {
        using var pixelValues = Floats(Vision, "pixel_values", pixels, pixels.Length / PatchLength, PatchLength);
        using var gridValues = Integers(grids.ToArray(), grids.Length / 3, 3);
        using var run = new RunOptions();
        using var outputs = Vision.Run(run, ["pixel_values", "image_grid_thw"], [pixelValues, gridValues], ["image_features"]);
        return ToFloats(outputs[0]);
    }

    /// <summary>[B, S] ids and [N, width] features to [B, S, width].</summary>
    public float[] Embed(long[] ids, int batch, float[] features)
    {
        using var idValues = Integers(ids, batch, ids.Length / batch);
        using var featureValues = Floats(Embedding, "image_features", features, features.Length / Width, Width);
        using var run = new RunOptions();
        using var outputs = Embedding.Run(run, ["input_ids", "image_features"], [idValues, featureValues], ["inputs_embeds"]);
        return ToFloats(outputs[0]);
    }

    public void Dispose()
    {
        Vision.Dispose();
        Embedding.Dispose();
        Text.Dispose();
        _options.Dispose();
    }

    /// <summary>A tensor of the type that the graph's input or output of this name has.</summary>
    public static OrtValue Floats(InferenceSession session, string name, float[] values, params ReadOnlySpan<long> shape)
    {
        var metadata = session.InputMetadata.TryGetValue(name, out var input) ? input : session.OutputMetadata[name];
        if (metadata.ElementDataType != TensorElementType.Float16) return OrtValue.CreateTensorValueFromMemory(values, shape.ToArray());
        var halves = Array.ConvertAll(values, value => new Float16(BitConverter.HalfToUInt16Bits((Half)value)));
        return OrtValue.CreateTensorValueFromMemory(halves, shape.ToArray());
    }

    public static OrtValue Integers(long[] values, params ReadOnlySpan<long> shape) => OrtValue.CreateTensorValueFromMemory(values, shape.ToArray());

    public static float[] ToFloats(OrtValue value)
    {
        if (value.GetTensorTypeAndShape().ElementDataType != TensorElementType.Float16) return value.GetTensorDataAsSpan<float>().ToArray();
        var halves = MemoryMarshal.Cast<Float16, Half>(value.GetTensorDataAsSpan<Float16>());
        var floats = new float[halves.Length];
        for (var i = 0; i < floats.Length; i++)
            floats[i] = (float)halves[i];
        return floats;
    }

    private InferenceSession Load(string folder, string file)
    {
        var path = Path.Combine(folder, file);
        return File.Exists(path) ? new InferenceSession(path, _options) : throw new ExportException($"'{path}' is missing; '{folder}' is not a whole package.");
    }
}

