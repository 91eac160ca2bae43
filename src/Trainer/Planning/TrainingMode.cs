using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;

namespace Vlm.Trainer.Planning;

/// <summary>What is trained and how it is held.</summary>
/// <param name="Name">Shown.</param>
/// <param name="InBfloat16">The model's weights in bfloat16.</param>
/// <param name="Lora">Adapters on a frozen base; null trains everything.</param>
/// <param name="Checkpointing">Blocks are computed again in the backward pass.</param>
internal sealed record TrainingMode(string Name, bool InBfloat16, LoraConfig? Lora, bool Checkpointing)
{
    /// <summary>The optimizer, as far as it decides on memory.</summary>
    public OptimizerConfig Optimizer { get; init; } = new();

    /// <summary>Every mode that is planned for, plain and with checkpointing.</summary>
    public static IReadOnlyList<TrainingMode> All(LoraConfig lora, OptimizerConfig optimizer) =>
    [
        .. new TrainingMode[]
        {
            new("full, float32", false, null, false),
            new("full, bfloat16 + float32 master", true, null, false),
            new($"LoRA r {lora.R} on bfloat16", true, lora, false),
        }.SelectMany(mode => new[] { mode with { Optimizer = optimizer }, mode with { Optimizer = optimizer, Checkpointing = true } }),
    ];
}
