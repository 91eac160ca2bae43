namespace Vlm.Cryptogram;

/// <summary>What a model's reply turned out to be: a well-formed reply, or the reason why not.</summary>
public abstract record ReplyResult
{
    private ReplyResult()
    {
    }

    /// <summary>A reply with exactly one of each section.</summary>
    /// <param name="Lines">The mapping lines of the thinking, in order; empty if the model wrote none.</param>
    /// <param name="Chars">The decoded letters as written, trimmed, not empty: <c>c a t _ d o g</c>.</param>
    /// <param name="Answer">The answer as written, trimmed, not empty.</param>
    public sealed record Reply(IReadOnlyList<MappingLine> Lines, string Chars, string Answer) : ReplyResult;

    /// <summary>Not a well-formed reply.</summary>
    /// <param name="Reason">Which rule is broken first.</param>
    /// <param name="Detail">The same for people: what was expected and what was found.</param>
    public sealed record ParseFailure(ReplyFailure Reason, string Detail) : ReplyResult;
}

/// <summary>One line of the thinking that says which letter a coded letter stands for.</summary>
/// <param name="Coded">a-z in the case in which it was written, or <c>_</c>.</param>
/// <param name="Plain">a-z in the case in which it was written, <c>_</c>, or <c>?</c> for a letter that was not seen.</param>
public readonly record struct MappingLine(char Coded, char Plain);

/// <summary>Why a text is not a well-formed reply.</summary>
public enum ReplyFailure
{
    /// <summary>There is no text.</summary>
    Empty,

    /// <summary>A tag occurs more than once, or a second thinking section is opened.</summary>
    DuplicateTag,

    /// <summary>A tag is missing: the reply was cut, or the model left a section out.</summary>
    MissingTag,

    /// <summary>All tags are there, but not as thinking with the letters inside, then the answer.</summary>
    TagOutOfOrder,

    /// <summary>Something other than one newline stands between the thinking and the answer.</summary>
    TextBetweenSections,

    /// <summary>Something follows the answer.</summary>
    TextAfterAnswer,

    /// <summary>The decoded letters are blank.</summary>
    EmptyChars,

    /// <summary>The answer is blank.</summary>
    EmptyAnswer,
}
