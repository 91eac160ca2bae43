using Vlm.Edge.Answers;

namespace Vlm.Edge.Watching;

/// <summary>What a look at a frame brought. Also a metric label, in snake case.</summary>
internal enum ReadingKind
{
    /// <summary>An answer.</summary>
    Answer,

    /// <summary>There is no sheet.</summary>
    NoSheet,

    /// <summary>There is a sheet, but not all that the message needs can be read.</summary>
    Unreadable,

    /// <summary>Nobody could look: too many wait, or the model failed.</summary>
    Failed,
}

/// <summary>What was read of a frame.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Code">The message that it was read with.</param>
/// <param name="Text">The answer; empty without one.</param>
/// <param name="Frame">The frame.</param>
internal sealed record Reading(ReadingKind Kind, string Code, string Text, FrameNumber Frame)
{
    /// <summary>All about the answer; null without one.</summary>
    public Answer? Answer { get; init; }

    public bool IsEqualTo(Reading other) => Kind == other.Kind && Code == other.Code && Text == other.Text;
}

/// <summary>What comes of a reading. Also a metric label, in snake case.</summary>
internal enum ReadingOutcome
{
    /// <summary>Another frame must say the same first.</summary>
    MoreNeeded,

    /// <summary>It is the answer that is published already, or nothing is published and there is no sheet.</summary>
    Unchanged,

    /// <summary>It is published.</summary>
    Published,

    /// <summary>The sheet is gone, and with it what was published.</summary>
    Withdrawn,

    /// <summary>The sheet is partly covered or too small: what was published stands.</summary>
    Unreadable,

    /// <summary>The readings differ, and no more are taken until something changes.</summary>
    Unsteady,
}

/// <summary>
/// Readings of one scene, until as many as are needed are equal, one after the other, each of another frame; and what is published of them. Immutable.
/// </summary>
/// <remarks>
/// An answer that was published stands until another is read as often, the sheet is gone, or the message is another or gone. A sheet that is covered in part
/// does not end it: the letters that were read are still true, and a hand over a sheet is no news.
/// </remarks>
internal sealed record Readings
{
    // So many readings may be otherwise before it is given up.
    private const int Spare = 6;

    /// <summary>Nothing was read yet.</summary>
    public static Readings None { get; } = new();

    /// <summary>What is published; null for nothing.</summary>
    public Reading? Published { get; private init; }

    /// <summary>Whether further looks at this scene are wanted.</summary>
    public bool WantsMore => Left > 0;

    private Reading? Candidate { get; init; }

    private int Equal { get; init; }

    private int Left { get; init; }

    /// <summary>The scene is another: what was read of the one before does not count.</summary>
    /// <param name="needed">Equal readings that are published.</param>
    public Readings Begin(int needed) => this with { Candidate = null, Equal = 0, Left = needed + Spare };

    /// <summary>The scene changes: nothing more is wanted until it stands.</summary>
    public Readings Pause() => this with { Candidate = null, Equal = 0, Left = 0 };

    /// <summary>Nothing is published any more.</summary>
    public Readings Withdraw() => this with { Published = null };

    /// <summary>What is published is put right by somebody who knows better.</summary>
    public Readings Correct(Reading right) => this with { Published = right };

    /// <summary>Takes in a reading.</summary>
    /// <param name="reading">Of the scene that these are about.</param>
    /// <param name="needed">Equal readings that are published.</param>
    public (Readings Next, ReadingOutcome Outcome) Take(Reading reading, int needed)
    {
        // That nobody could look says nothing of the scene: it is tried again, as often as the camera may have a look.
        if (reading.Kind == ReadingKind.Failed) return (this, ReadingOutcome.MoreNeeded);
        var left = Math.Max(0, Left - 1);
        var isAgain = Candidate is { } before && before.IsEqualTo(reading);
        // The same frame says the same again: that is no second witness.
        var equal = !isAgain ? 1 : Candidate!.Frame == reading.Frame ? Equal : Equal + 1;
        var next = this with { Candidate = reading, Equal = equal, Left = left };
        if (equal < needed) return (next, left > 0 ? ReadingOutcome.MoreNeeded : ReadingOutcome.Unsteady);
        next = next with { Left = 0 };
        return reading.Kind switch
        {
            ReadingKind.Unreadable => (next, ReadingOutcome.Unreadable),
            ReadingKind.NoSheet => (next with { Published = null }, Published is null ? ReadingOutcome.Unchanged : ReadingOutcome.Withdrawn),
            _ => Published is { } stands && stands.IsEqualTo(reading)
                ? (next, ReadingOutcome.Unchanged)
                : (next with { Published = reading }, ReadingOutcome.Published),
        };
    }
}
