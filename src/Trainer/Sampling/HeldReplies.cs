using Vlm.Puzzles;
using Vlm.Solving;
using Vlm.Trainer.Model;

namespace Vlm.Trainer.Sampling;

/// <summary>
/// The most probable replies that the grammar allows, letter by letter: as <c>solve</c> begins, without its deciding of all letters together and its further
/// looks.
/// </summary>
/// <exception cref="Vlm.Model.CheckpointException">The prompt promises no such replies.</exception>
internal sealed class HeldReplies(QwenVl model, CheckpointInput input)
{
    private readonly HeldDecoding _decoding = new(model, temperature: 1);
    private readonly ReplyGrammar _grammar = input.Grammar();

    /// <summary>Replies in the order of the puzzles.</summary>
    public IReadOnlyList<TorchReply> To(IReadOnlyList<Puzzle> puzzles)
    {
        HeldReply[] replies = [.. puzzles.Select(puzzle => new HeldReply(_grammar.Start(puzzle.Code)))];
        _decoding.Write([.. puzzles.Select(input.Ask)], replies);
        return [.. replies.Select(reply => new TorchReply(reply.Ids[..^1], reply.LogProbabilities[..^1], Stopped: true))];
    }
}
