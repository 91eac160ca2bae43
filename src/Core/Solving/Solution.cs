using Vlm.Cryptogram;
using Vlm.Vision;

namespace Vlm.Solving;

/// <summary>A decoder picture and a coded message.</summary>
/// <param name="Picture">The picture, in any size.</param>
/// <param name="Code">The code in its normal form, as <see cref="Cryptogram.Code.Parse"/> gives it.</param>
/// <param name="Decoding">How long it took to decode the picture's file; zero if there was none.</param>
public sealed record Question(RgbImage Picture, string Code, TimeSpan Decoding = default);

/// <summary>How long each phase took. Phases that a batch shares are given for the whole batch.</summary>
/// <param name="Decoding">File to pixels.</param>
/// <param name="Patches">Pixels to patches: resizing and normalising.</param>
/// <param name="Vision">The vision graph.</param>
/// <param name="Prefill">Reading the prompt.</param>
/// <param name="Decode">Writing the reply.</param>
public readonly record struct SolveTimings(TimeSpan Decoding, TimeSpan Patches, TimeSpan Vision, TimeSpan Prefill, TimeSpan Decode)
{
    /// <summary>All phases together.</summary>
    public TimeSpan Total => Decoding + Patches + Vision + Prefill + Decode;
}

/// <summary>Where the model looked when it wrote the plain letter of one mapping line.</summary>
/// <param name="Coded">The coded letter of the line.</param>
/// <param name="Plain">The plain letter that was written.</param>
/// <param name="Weights">[rows, columns] of the merged grid, sum 1.</param>
public sealed record LetterAttention(char Coded, char Plain, float[] Weights);

/// <summary>Which choices of a generation wrote which part of the reply; tags, arrows and line ends belong to none.</summary>
/// <param name="Mapping">The plain letters of the mapping lines.</param>
/// <param name="Chars">The decoded letters.</param>
/// <param name="Answer">The answer.</param>
public sealed record ReplyFields(IReadOnlyList<int> Mapping, IReadOnlyList<int> Chars, IReadOnlyList<int> Answer);

/// <summary>What the model made of a question.</summary>
public sealed record Solution
{
    /// <summary>What was asked.</summary>
    public required Question Question { get; init; }

    /// <summary>The reply as text, without the token that ended it.</summary>
    public required string Text { get; init; }

    /// <summary>The reply taken apart, or why it cannot be.</summary>
    public required ReplyResult Reply { get; init; }

    /// <summary>
    /// How sure the model is of the answer, in (0, 1]; null when the reply has none. Where plain letters were decided, the product of the beliefs in them; otherwise
    /// the geometric mean of the probabilities of the answer's tokens. Raw: nothing says that answers with 0.9 are right nine times in ten.
    /// </summary>
    public required double? RawConfidence { get; init; }

    /// <summary>The tokens behind the text.</summary>
    public required Generation Generation { get; init; }

    /// <summary>Which tokens wrote which field; null when the reply does not have them.</summary>
    public ReplyFields? Fields { get; init; }

    /// <summary>The patches that the picture became.</summary>
    public required PatchGrid Grid { get; init; }

    /// <summary>Side of a patch in pixels: the model saw the picture with grid rows x this many rows.</summary>
    public int PatchSize { get; init; } = 14;

    /// <summary>Tokens of the prompt, those of the picture included.</summary>
    public int PromptTokens { get; init; }

    /// <summary>Tokens of the prompt that stand for the picture.</summary>
    public int PictureTokens { get; init; }

    /// <summary>How long it took.</summary>
    public required SolveTimings Timings { get; init; }

    /// <summary>One entry per decoded letter, in the order of the reply; empty when attention was not asked for.</summary>
    public IReadOnlyList<LetterAttention> Letters { get; init; } = [];

    /// <summary>The answer in lower case, or null when the reply cannot be read.</summary>
    public string? Answer => Reply is ReplyResult.Reply reply ? reply.Answer.ToLowerInvariant() : null;
}
