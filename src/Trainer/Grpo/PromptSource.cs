using Vlm.Puzzles;
using Vlm.Statistics;
using Vlm.Trainer.Config;
using Vlm.Trainer.Data;
using Vlm.Trainer.Sampling;

namespace Vlm.Trainer.Grpo;

/// <summary>Endless prompts of a run; what number n holds depends on the configuration and n alone. Called from several threads.</summary>
internal sealed class PromptSource(GrpoConfig config, CheckpointInput input)
{
    private const long MessageKey = 17;   // apart from the sequences that pictures are drawn by

    private readonly PuzzleSource _pictures = new(new PuzzleOptions { Pictures = config.DrawnPictures, Strata = config.Strata }, config.Seed);

    // Another mix of pictures leaves the cipher of a number as it is.
    private readonly PuzzleSource? _twins = config.TwinPictures is null ? null : new(new PuzzleOptions { Pictures = config.TwinPictures }, config.Seed);

    /// <summary>Prompts of one draw: one, or the same puzzle on two pictures.</summary>
    public int PerDraw => _twins is null ? 1 : 2;

    /// <summary>The prompts of draw n.</summary>
    public IReadOnlyList<PolicyPrompt> At(long n)
    {
        var words = (int)(n % config.Messages.MostWords) + 1;
        var message = TrainingMessages.Draw(SeededRandom.From(config.Seed, MessageKey, n), config.Messages, words);
        var first = Prompt(PerDraw * n, _pictures.At(n), message);
        return _twins is null ? [first] : [first, Prompt(2 * n + 1, _twins.At(n), message)];
    }

    /// <summary>What is the matter with a picture decides what can be asked about it, and what the right answer is: its own message stays.</summary>
    private PolicyPrompt Prompt(long number, Puzzle puzzle, string message)
    {
        if (puzzle.Stratum == Stratum.Whole) puzzle = puzzle with { Answer = message, Code = puzzle.Cipher.EncodeSpaced(message) };
        return new PolicyPrompt(number, puzzle, input.Ask(puzzle));
    }
}
