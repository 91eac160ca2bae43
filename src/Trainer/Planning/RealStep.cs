using System.Diagnostics;
using Vlm.Model;
using Vlm.Puzzles;
using Vlm.Trainer.Grpo;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;
using Vlm.Trainer.Sampling;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Planning;

/// <summary>A real step of learning with random weights, to hold a plan against.</summary>
internal static class RealStep
{
    private const int MostRepeats = 5;
    private static readonly TimeSpan Brief = TimeSpan.FromSeconds(5);

    /// <summary>The most bytes that model, optimizer and the step had in use.</summary>
    /// <remarks>
    /// A peak that passes between two looks is missed, never invented, so the most of several steps is nearer to the truth: a step is done again up to four
    /// times, until five seconds are over.
    /// </remarks>
    public static long Peak(VlmConfig config, TrainingMode mode, StepShape step, int microRows)
    {
        var (began, most) = (Stopwatch.GetTimestamp(), 0L);
        for (var repeat = 0; repeat == 0 || (repeat < MostRepeats && Stopwatch.GetElapsedTime(began) < Brief); repeat++)
            most = Math.Max(most, Once(config, mode, step, microRows));
        return most;
    }

    private static long Once(VlmConfig config, TrainingMode mode, StepShape step, int microRows) => NativeHeap.PeakDuring(() =>
    {
        var compute = new Compute(CPU, bfloat16) { Weights = mode.InBfloat16 ? bfloat16 : float32, Orthogonalization = bfloat16 };
        using var model = new QwenVl(config, compute) { GradientCheckpointing = mode.Checkpointing };
        InitialWeights.Draw(model);
        using var adapters = mode.Lora is null ? null : LoraAdapters.Attach(model, mode.Lora);
        using var optimizer = new Optimizer(adapters?.Parameters ?? [.. model.named_parameters()], mode.Optimizer, compute);
        var forward = new PolicyForward(model, 1, sharesPrompts: false);   // as the plan counts: shared prompts need less
        var rows = Completions(config, step, microRows);
        using (NewDisposeScope())
        {
            using var weight = tensor(-1f);
            (forward.Of(rows).mean() * weight).backward();
        }

        optimizer.Step(1e-6);
    });

    private static List<PolicyRow> Completions(VlmConfig config, StepShape step, int microRows)
    {
        var (rows, columns) = Sides(step.ImageTokens);
        var merge = config.Vision.SpatialMergeSize;
        var grid = new PatchGrid(1, rows * merge, columns * merge);
        var pixels = config.Vision.InChannels * config.Vision.TemporalPatchSize * config.Vision.PatchSize * config.Vision.PatchSize;
        // Not zeros: at zero a norm's slope is a thousand, and of many norms no float32.
        float[] values = [.. Enumerable.Range(0, grid.Patches * pixels).Select(i => MathF.Sin(i))];
        var puzzle = new PuzzleSource(PuzzleOptions.For(Split.Clean), 1).At(0);
        int[] ids = [config.VisionStartTokenId, .. Enumerable.Repeat(config.ImageTokenId, step.ImageTokens), config.VisionEndTokenId,
            .. Enumerable.Repeat(1, step.TextTokens - 2)];
        return [.. Enumerable.Range(0, microRows).GroupBy(r => r / step.GroupSize).SelectMany(group =>
        {
            var prompt = new PolicyPrompt(group.Key, puzzle, new TorchPrompt(new Patches(values, grid), ids));
            return group.Select(_ => new PolicyRow(prompt, new Rollout([.. Enumerable.Repeat(2, step.MaxTokens)], new float[step.MaxTokens], true, ""), 1));
        })];
    }

    /// <summary>The squarest grid of so many cells.</summary>
    private static (int Rows, int Columns) Sides(int cells)
    {
        var rows = (int)Math.Sqrt(cells);
        while (cells % rows != 0) rows--;
        return (rows, cells / rows);
    }
}
