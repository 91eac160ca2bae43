using System.Globalization;
using Microsoft.ML.OnnxRuntimeGenAI;
using Vlm.Model;
using Vlm.Package;
using Vlm.Vision;
using GenAiConfig = Microsoft.ML.OnnxRuntimeGenAI.Config;
using GenAiModel = Microsoft.ML.OnnxRuntimeGenAI.Model;

namespace Vlm.Engine.GenAi;

/// <summary>
/// A vision-language model in ONNX Runtime GenAI. Pictures are cut and prompts are put into tokens by ourselves: its own picture code hangs on damaged files.
/// </summary>
public sealed class GenAiVlm : IVisionModel
{
    private GenAiVlm(PackageConfig config, GenAiModel model) => (Config, Model) = (config, model);

    /// <inheritdoc/>
    public PackageConfig Config { get; }

    /// <inheritdoc/>
    public bool ShowsAttention => PointerKeys is not null;

    /// <inheritdoc/>
    public required Placement Placement { get; init; }

    internal GenAiModel Model { get; }

    /// <summary>Whether the decoder gives the logits of all tokens of a run, and not of the last alone.</summary>
    internal bool GivesAllLogits { get; private set; }

    /// <summary>The graphs' float type, which pixels must have.</summary>
    internal ElementType FloatType { get; private set; }

    /// <summary>The output with the keys of the layer that points; null when the package does not show where it looks.</summary>
    internal string? PointerKeys { get; private set; }

    /// <summary>Loads a package. Does not look at hashes: see <see cref="ModelFolder.Open"/>.</summary>
    /// <param name="folder">The package.</param>
    /// <param name="options">How the machine is used.</param>
    /// <param name="placement">Where it runs: the processor.</param>
    /// <exception cref="ModelException">A file is missing or damaged, or the library refuses the package.</exception>
    public static GenAiVlm Open(string folder, EngineOptions options, Placement placement)
    {
        var config = PackageConfig.Load(folder);
        var (decoder, vision) = options.ThreadsFor(config);
        GenAiModel? model = null;
        try
        {
            using var settings = new GenAiConfig(folder);
            settings.Overlay($$$"""{"model":{"decoder":{{{Session(decoder)}}},"vision":{{{Session(vision)}}},"embedding":{{{Session(threads: 1)}}} }}""");
            model = new GenAiModel(settings);
            var vlm = new GenAiVlm(config, model) { Placement = placement };
            vlm.Probe();
            return vlm;
        }
        catch (OnnxRuntimeGenAIException e)
        {
            model?.Dispose();
            throw new ModelException(
                $"'{folder}' cannot be loaded by ONNX Runtime GenAI: {e.Message} Take another engine, or copy or export the package again.", e);
        }
    }

    /// <summary>The library and its version.</summary>
    public static string Version() => $"ONNX Runtime GenAI {typeof(GenAiModel).Assembly.GetName().Version?.ToString(3)}";

    /// <inheritdoc/>
    public EncodedPicture Encode(Patches patches)
    {
        ArgumentNullException.ThrowIfNull(patches);
        return new GenAiPicture(patches, patches.Grid.MergedTokens(Config.Tokens.MergeSize));
    }

    /// <inheritdoc/>
    public IDecoder Allocate(int rows, int maxLength = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(maxLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxLength, Config.ContextLength);
        return new GenAiDecoder(this, rows, maxLength == 0 ? Config.MaxLength : maxLength);
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();

    /// <summary>Runs the library.</summary>
    /// <exception cref="ModelException">It failed.</exception>
    internal T Run<T>(Func<T> call)
    {
        try
        {
            return call();
        }
        catch (OnnxRuntimeGenAIException e)
        {
            throw new ModelException($"'{Config.Folder}' failed while running in ONNX Runtime GenAI: {e.Message}", e);
        }
    }

    private static string Session(int threads) => $$$"""
        {"session_options":{"intra_op_num_threads":{{{threads}}},"inter_op_num_threads":1,"log_severity_level":4,"session.intra_op.allow_spinning":"0"}}
        """;

    /// <summary>The library does not list a model's outputs: two tokens are read, and what comes of them is looked at.</summary>
    private void Probe()
    {
        using var parameters = new GeneratorParams(Model);
        parameters.SetSearchOption("max_length", 4);
        using var generator = new Generator(Model, parameters);
        generator.AppendTokens([Config.EosTokenIds[0], Config.EosTokenIds[0]]);
        using var logits = generator.GetOutput(Config.Text.Logits);
        GivesAllLogits = logits.Shape()[1] == 2;
        using var keys = generator.GetOutput(Keys(0));
        FloatType = keys.Type();
        if (!Has(generator, PointerHead.QueryOutput)) return;
        var layers = 1;
        while (layers <= PointerHead.Layer(int.MaxValue) && Has(generator, Keys(layers))) layers++;
        PointerKeys = Keys(PointerHead.Layer(layers));
    }

    private string Keys(int layer) =>
        Config.Text.PresentKey.Replace("%d", layer.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    private static bool Has(Generator generator, string output)
    {
        try
        {
            generator.GetOutput(output).Dispose();
            return true;
        }
        catch (OnnxRuntimeGenAIException)
        {
            return false;
        }
    }
}

/// <summary>The library takes pixels with the prompt, and runs the vision graph there.</summary>
internal sealed class GenAiPicture(Patches patches, int tokens) : EncodedPicture(patches.Grid, tokens)
{
    public Patches Patches => patches;

    public override void Dispose() { }
}
