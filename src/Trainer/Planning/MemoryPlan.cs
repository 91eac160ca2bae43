using Vlm.Model;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;

namespace Vlm.Trainer.Planning;

/// <summary>What a step of reinforcement learning is given.</summary>
/// <param name="Prompts">Prompts, each with one picture.</param>
/// <param name="GroupSize">Completions per prompt.</param>
/// <param name="ImageTokens">Merged patches of a picture.</param>
/// <param name="TextTokens">Tokens of a prompt besides the picture.</param>
/// <param name="MaxTokens">Tokens of a completion at most.</param>
internal sealed record StepShape(int Prompts, int GroupSize, int ImageTokens, int TextTokens, int MaxTokens)
{
    public long PromptTokens => ImageTokens + TextTokens;

    public long Tokens => PromptTokens + MaxTokens;

    public long Completions => (long)Prompts * GroupSize;
}

/// <summary>Bytes by what they are for.</summary>
/// <param name="Weights">The model's and the adapters'.</param>
/// <param name="Gradients">Of what is trained.</param>
/// <param name="Optimizer">Master copies and moments.</param>
/// <param name="Activations">Held between the forward and the backward pass of a micro-batch, without logits.</param>
/// <param name="Logits">The same of the head.</param>
/// <param name="Passing">The most on top in the backward pass, recomputing included, or in the optimizer's step, whichever needs more.</param>
internal sealed record MemoryEstimate(double Weights, double Gradients, double Optimizer, double Activations, double Logits, double Passing)
{
    /// <summary>Keys and values of all completions of a step, and their copy when rows stop.</summary>
    public double KeyValueCache { get; init; }

    /// <summary>Held while prompts are read before sampling.</summary>
    public double Prefill { get; init; }

    private double Always => Weights + Gradients + Optimizer;

    /// <summary>The most while learning.</summary>
    public double Learning => Always + Math.Max(Activations + Logits, 0) + Passing;

    /// <summary>The most while sampling.</summary>
    public double Sampling => Always + KeyValueCache + Prefill;

    /// <summary>The most of a step.</summary>
    public double Peak => Math.Max(Learning, Sampling);
}

/// <summary>From shapes of weights and measured costs of blocks to the memory of a step. Pure.</summary>
internal static class MemoryPlan
{
    private const int Float32 = 4, Bfloat16 = 2;

    /// <summary>The memory of a step whose micro-batches have so many completions.</summary>
    public static MemoryEstimate Of(VlmConfig config, TrainingMode mode, ActivationCost cost, StepShape step, int microRows)
    {
        var weights = WeightNames.All(config).ToList();
        var adapters = mode.Lora is null ? [] : Adapters(config, mode.Lora).ToList();
        var trained = mode.Lora is null ? weights : adapters;
        var held = mode.InBfloat16 ? Bfloat16 : Float32;
        var trainedSize = mode.Lora is null ? held : Float32;
        var pictures = (microRows + step.GroupSize - 1) / step.GroupSize;
        var places = (long)microRows * step.MaxTokens;
        var rows = new Rows(pictures, microRows, step.ImageTokens, step.Tokens);
        return new MemoryEstimate(
            Weights: weights.Sum(Numbers) * held + adapters.Sum(Numbers) * Float32,
            Gradients: trained.Sum(Numbers) * trainedSize,
            Optimizer: trained.Sum(w => State(w, mode.Optimizer, trainedSize)),
            Activations: Held(config, cost, rows),
            Logits: cost.HeadKept.At(places, config.Text.VocabSize),
            Passing: Math.Max(Backward(config, cost, rows, places), 0))
        {
            KeyValueCache = 2 * KeyValues(config, step.Tokens) * step.Completions,
            Prefill = Held(config, cost, new Rows(step.Prompts, step.Prompts, step.ImageTokens, step.PromptTokens))
                + KeyValues(config, step.PromptTokens) * step.Prompts,
        }.WithStep(trained.Max(w => StepBytes(w, mode.Optimizer, trainedSize)));
    }

    /// <summary>The most completions per micro-batch that fit: all, or whole groups, or parts of one; 0 when not even one fits.</summary>
    public static int LargestMicroBatch(StepShape step, double bytes, Func<int, MemoryEstimate> of)
    {
        var groups = Enumerable.Range(1, step.Prompts).Select(p => p * step.GroupSize);
        var parts = Enumerable.Range(1, step.GroupSize - 1);
        return parts.Concat(groups).Where(rows => of(rows).Peak <= bytes).DefaultIfEmpty(0).Max();
    }

    /// <summary>Shapes of A and B of every adapted layer.</summary>
    private static IEnumerable<WeightSpec> Adapters(VlmConfig config, LoraConfig lora)
    {
        var shapes = LoraConfig.LinearLayers(config);
        return lora.Targets(config)
            .SelectMany(m => new WeightSpec[] { new(LoraFile.Names(m).A, [lora.R, shapes[m][1]]), new(LoraFile.Names(m).B, [shapes[m][0], lora.R]) });
    }

    private static double Held(VlmConfig config, ActivationCost cost, Rows rows)
    {
        var patches = PatchesOf(config, rows.ImageTokens);
        var full = config.Vision.FullAttentionBlocks.Length;
        var pixels = (double)rows.Pictures * patches
            * config.Vision.InChannels * config.Vision.TemporalPatchSize * config.Vision.PatchSize * config.Vision.PatchSize * Float32;
        return pixels
            + cost.PatchEmbedding.Kept.At(rows.Pictures, patches)
            + (config.Vision.Depth - full) * cost.WindowedBlock.Kept.At(rows.Pictures, patches)
            + full * cost.FullBlock.Kept.At(rows.Pictures, patches)
            + cost.Merger.Kept.At(rows.Pictures, patches)
            + cost.Inputs.Kept.At(rows.Sequences, rows.Tokens)
            + config.Text.NumLayers * cost.TextLayer.Kept.At(rows.Sequences, rows.Tokens);
    }

    private static double Backward(VlmConfig config, ActivationCost cost, Rows rows, long places)
    {
        var patches = PatchesOf(config, rows.ImageTokens);
        return new[]
        {
            cost.WindowedBlock.Passing.At(rows.Pictures, patches), cost.FullBlock.Passing.At(rows.Pictures, patches),
                cost.Merger.Passing.At(rows.Pictures, patches),
            cost.TextLayer.Passing.At(rows.Sequences, rows.Tokens), cost.HeadPassing.At(places, config.Text.VocabSize),
        }.Max();
    }

    private static long PatchesOf(VlmConfig config, long imageTokens) => imageTokens * config.Vision.SpatialMergeSize * config.Vision.SpatialMergeSize;

    private static double KeyValues(VlmConfig config, long tokens)
        => 2.0 * config.Text.NumLayers * config.Text.NumKeyValueHeads * config.Text.HeadDim * tokens * Bfloat16;

    private static double Numbers(WeightSpec weight) => weight.Shape.Aggregate(1.0, (product, size) => product * size);

    /// <summary>Moments, and the master copy of what is not float32.</summary>
    private static double State(WeightSpec weight, OptimizerConfig optimizer, int size)
        => Numbers(weight) * Float32 * ((Optimizer.Treatment(weight.Name, weight.Shape.Length, optimizer).ByMuon ? 1 : 2) + (size == Float32 ? 0 : 1));

    /// <summary>What the optimizer's step of one parameter needs: the tensors of its update, one after the other.</summary>
    private static double StepBytes(WeightSpec weight, OptimizerConfig optimizer, int size)
    {
        var numbers = Numbers(weight);
        var converted = size == Float32 ? 0 : Float32 * numbers;
        // clipped gradient, root of the square
        if (!Optimizer.Treatment(weight.Name, weight.Shape.Length, optimizer).ByMuon) return converted + 2 * Float32 * numbers;
        var shorter = (double)Math.Min(weight.Shape[0], numbers / weight.Shape[0]);
        // Clipped gradient, Nesterov's, the quotient, its bfloat16; per Newton–Schulz step two of the matrix and three of its Gram matrix; the result.
        const int Steps = 5;
        return converted + (3 * Float32 + Bfloat16 + 2 * Steps * Bfloat16 + Float32) * numbers + 3 * Steps * Bfloat16 * shorter * shorter;
    }

    /// <summary>The optimizer steps when activations are gone: only what exceeds them counts.</summary>
    private static MemoryEstimate WithStep(this MemoryEstimate estimate, double step)
        => estimate with { Passing = Math.Max(estimate.Passing, step - estimate.Activations - estimate.Logits) };

    private sealed record Rows(long Pictures, long Sequences, long ImageTokens, long Tokens);
}
