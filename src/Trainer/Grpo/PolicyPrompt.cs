using Vlm.Puzzles;
using Vlm.Trainer.Sampling;

namespace Vlm.Trainer.Grpo;

/// <summary>A puzzle and how the policy is asked about it.</summary>
/// <param name="Number">Of the prompt within the run, from 0; enters the seed of its completions.</param>
/// <param name="Puzzle">What is asked, and the right answer.</param>
/// <param name="Question">The picture's patches and the prompt's tokens.</param>
internal sealed record PolicyPrompt(long Number, Puzzle Puzzle, TorchPrompt Question);

/// <summary>A prompt with its completions.</summary>
internal sealed record PromptGroup(PolicyPrompt Prompt, RolloutGroup Group);
