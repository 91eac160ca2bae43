using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Vlm.Model;
using Vlm.Package;
using Vlm.Vision;

namespace Vlm.Engine.Ort;

/// <summary>
/// A vision-language model in ONNX Runtime: the three graphs of a package. Runs any package that keeps the ONNX Runtime GenAI contract for Qwen2.5-VL
/// with float32 or float16 tensors, not only our own.
/// </summary>
public sealed class OnnxVlm : IVisionModel
{
    private readonly RunOptions _run = new();

    static OnnxVlm()
    {
        Telemetry.Off();
        // The first environment of a process is the only one. What goes wrong comes as an exception; the rest is remarks about missing graphics cards.
        if (OrtEnv.IsCreated) return;
        var options = new EnvironmentCreationOptions { logId = "vlm", logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        OrtEnv.CreateInstanceWithOptions(ref options);
    }

    private OnnxVlm(PackageConfig config, InferenceSession vision, InferenceSession embedding, InferenceSession text) =>
        (Config, Vision, Embedding, Text) = (config, vision, embedding, text);

    /// <inheritdoc/>
    public required Placement Placement { get; init; }

    /// <inheritdoc/>
    public PackageConfig Config { get; }

    /// <inheritdoc/>
    public bool ShowsAttention => Text.OutputMetadata.ContainsKey(PointerHead.QueryOutput);

    internal InferenceSession Vision { get; }

    internal InferenceSession Embedding { get; }

    internal InferenceSession Text { get; }

    /// <summary>Where keys, values and embeddings are kept; null where that is with the processor.</summary>
    internal DeviceMemory? Device { get; private init; }

    /// <summary>Loads the three graphs of a package. Does not look at hashes: see <see cref="ModelFolder.Open"/>.</summary>
    /// <param name="folder">The package.</param>
    /// <param name="options">How the machine is used.</param>
    /// <param name="placement">Where it is to run.</param>
    /// <exception cref="ModelException">A file is missing or damaged, or a graph has not the inputs and outputs that <c>genai_config.json</c>
    /// names.</exception>
    /// <exception cref="ProviderException">A graph cannot be loaded there.</exception>
    public static OnnxVlm Open(string folder, EngineOptions options, Placement placement)
    {
        var config = PackageConfig.Load(folder);
        var threads = options.ThreadsFor(config);
        InferenceSession? vision = null, embedding = null, text = null;
        try
        {
            vision = Load(config, config.Vision.File, threads.Vision, placement.Provider);
            // A table look-up: a second thread would only spin.
            embedding = Load(config, config.Embedding.File, threads: 1, placement.Provider);
            text = Load(config, config.Text.File, threads.Decoder, placement.Provider);
            GraphContract.Check(config, vision, embedding, text);
            var keys = GraphContract.Layer(config.Text.PastKey, 0);
            return new OnnxVlm(config, vision, embedding, text)
            {
                Placement = placement,
                Device = DeviceMemory.Of(text, keys, () => OrtProvider.Session(threads: 1, placement.Provider), options.TreatsHostAsDevice),
            };
        }
        catch
        {
            vision?.Dispose();
            embedding?.Dispose();
            text?.Dispose();
            throw;
        }
    }

    /// <summary>The library and its version.</summary>
    /// <exception cref="UserException">It cannot be loaded.</exception>
    public static string Version()
    {
        try
        {
            return $"ONNX Runtime {OrtEnv.Instance().GetVersionString()}";
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException)
        {
            throw new UserException($"The library of ONNX Runtime cannot be loaded: {(e.InnerException ?? e).Message}", e);
        }
    }

    /// <inheritdoc/>
    public EncodedPicture Encode(Patches patches)
    {
        ArgumentNullException.ThrowIfNull(patches);
        var names = Config.Vision;
        var input = Vision.InputMetadata[names.PixelValues];
        var length = patches.Values.Length / patches.Grid.Patches;
        if (input.Dimensions[1] > 0 && input.Dimensions[1] != length)
        {
            throw new ArgumentException(
                $"A patch has {length} numbers; the vision graph takes {input.Dimensions[1]}. Is the patch size the package's?", nameof(patches));
        }

        using var pixels = Pixels(patches, input.ElementDataType, length);
        using var grid = new NativeTensor(TensorElementType.Int64, 1, 3);
        grid.Set(0, patches.Grid.Frames);
        grid.Set(1, patches.Grid.Rows);
        grid.Set(2, patches.Grid.Columns);
        var tokens = patches.Grid.MergedTokens(Config.Tokens.MergeSize);
        var features = new NativeTensor(Vision.OutputMetadata[names.Features].ElementDataType, tokens, Config.HiddenSize);
        using var binding = Vision.CreateIoBinding();
        binding.BindInput(names.PixelValues, pixels);
        binding.BindInput(names.Grid, grid.Value);
        binding.BindOutput(names.Features, features.Value);
        Run(Vision, Config.Vision.File, binding);
        return new OnnxPicture(features, patches.Grid);
    }

    /// <inheritdoc/>
    public IDecoder Allocate(int rows, int maxLength = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(maxLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxLength, Config.ContextLength);
        return new OnnxDecoder(this, rows, maxLength == 0 ? Config.MaxLength : maxLength);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Device?.Dispose();
        Vision.Dispose();
        Embedding.Dispose();
        Text.Dispose();
        _run.Dispose();
    }

    /// <summary>Runs a graph over bound tensors.</summary>
    /// <exception cref="ModelException">The graph failed: it does not do what its inputs and outputs promise.</exception>
    /// <exception cref="ProviderException">It failed on something that is not the processor, which may be at fault.</exception>
    internal void Run(InferenceSession session, string file, OrtIoBinding binding)
    {
        try
        {
            session.RunWithBinding(_run, binding);
        }
        catch (OnnxRuntimeException e)
        {
            var failed = $"'{Path.Combine(Config.Folder, file)}' failed while running";
            if (Placement.Provider == ProviderKind.Cpu) throw new ModelException($"{failed}: {e.Message}", e);
            throw new ProviderException($"{failed} on {Placement.Name(Placement.Provider)}: {e.Message} Ask for the provider 'auto' to go on without it.", e);
        }
    }

    private static OrtValue Pixels(Patches patches, TensorElementType type, int length)
    {
        long[] shape = [patches.Grid.Patches, length];
        if (type == TensorElementType.Float) return OrtValue.CreateTensorValueFromMemory(patches.Values, shape);
        var halves = Array.ConvertAll(patches.Values, value => BitConverter.HalfToUInt16Bits((Half)value));
        return OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(halves, bits => new Float16(bits)), shape);
    }

    private static InferenceSession Load(PackageConfig config, string file, int threads, ProviderKind provider)
    {
        var path = Path.Combine(config.Folder, file);
        if (!File.Exists(path)) throw new ModelException($"'{path}' is missing; {PackageConfig.FileName} names it. Copy the whole package again.");
        using var options = OrtProvider.Session(threads, provider);
        try
        {
            return new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException e)
        {
            if (provider != ProviderKind.Cpu) throw new ProviderException($"'{path}' cannot be loaded on {Placement.Name(provider)}: {e.Message}", e);
            throw new ModelException($"'{path}' cannot be loaded: {e.Message} Copy or export the package again.", e);
        }
    }
}

/// <summary>The vision graph's output: computed once.</summary>
/// <param name="features">[tokens, H] in the graph's float type.</param>
/// <param name="grid">The patches it came from.</param>
internal sealed class OnnxPicture(NativeTensor features, PatchGrid grid) : EncodedPicture(grid, (int)features.Shape[0])
{
    public NativeTensor Features => features;

    public override void Dispose() => features.Dispose();
}
