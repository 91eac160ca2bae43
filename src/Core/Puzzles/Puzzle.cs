using Vlm.Cryptogram;
using Vlm.Vision;

namespace Vlm.Puzzles;

/// <summary>
/// Where one pair of the decoder stands in the final picture, in pixels from the top left corner of the picture
/// (pixel i covers i to i+1). Points may lie outside the picture when the camera cut the sheet.
/// </summary>
/// <param name="Coded">The coded letter, a-z.</param>
/// <param name="Plain">The letter it stands for, a-z.</param>
/// <param name="CodedX">Centre of the coded letter's ink, to the right.</param>
/// <param name="CodedY">Centre of the coded letter's ink, downwards.</param>
/// <param name="PlainX">Centre of the plain letter's ink, to the right.</param>
/// <param name="PlainY">Centre of the plain letter's ink, downwards.</param>
/// <param name="CentreX">Centre of the whole pair, to the right.</param>
/// <param name="CentreY">Centre of the whole pair, downwards.</param>
public sealed record PairLabel(
    char Coded, char Plain, float CodedX, float CodedY, float PlainX, float PlainY, float CentreX, float CentreY)
{
    /// <summary>The same pair with its three points moved.</summary>
    internal PairLabel Moved(Func<float, float, (float X, float Y)> map)
    {
        var (codedX, codedY) = map(CodedX, CodedY);
        var (plainX, plainY) = map(PlainX, PlainY);
        var (centreX, centreY) = map(CentreX, CentreY);
        return new PairLabel(Coded, Plain, codedX, codedY, plainX, plainY, centreX, centreY);
    }
}

/// <summary>One cryptogram: a decoder picture, a coded message, and what it means.</summary>
/// <param name="Answer">
/// What the picture lets one answer: lower-case words joined by single spaces, with <see cref="Cryptogram.Message.Unseen"/> for each letter that it does not
/// show.
/// </param>
/// <param name="Code">The message coded and spaced: <c>q x _ a y f</c>.</param>
/// <param name="Cipher">The alphabet of the code; the picture need not show all of it.</param>
/// <param name="Picture">The decoder picture.</param>
/// <param name="Pairs">
/// The pairs that can be read, in the order in which they are drawn; of a <see cref="Puzzles.Stratum.Whole"/> picture all 26. A contradictory picture has a
/// letter in several.
/// </param>
/// <param name="Kind">One of <see cref="PictureKind"/>.</param>
/// <param name="Severity">Camera severity 1-5; 0 for a picture that no camera took.</param>
public sealed record Puzzle(
    string Answer, string Code, Cipher Cipher, RgbImage Picture, IReadOnlyList<PairLabel> Pairs, string Kind, int Severity)
{
    /// <summary>What is wrong with the picture, if anything.</summary>
    public Stratum Stratum { get; init; }

    /// <summary>The message that was coded, without gaps: what another picture would let one answer.</summary>
    public string Hidden { get; init; } = Answer;

    /// <summary>The coded letters, a-z, whose plain letter the picture does not show, or shows twice differently.</summary>
    public string Unseen { get; init; } = "";

    /// <summary>
    /// [4] where the corners of the paper with the decoder lie in a scene, in pixels of the picture, clockwise from the sheet's top left; null in other
    /// pictures and where there is no decoder.
    /// </summary>
    public IReadOnlyList<(float X, float Y)>? Corners { get; init; }

    /// <summary>Coded letters of which people could say either; no question asks for them.</summary>
    public string Unclear { get; init; } = "";

    /// <summary>Whether the picture shows every letter of the code.</summary>
    public bool IsReadable => !Answer.Contains(Message.Unseen, StringComparison.Ordinal);

    /// <summary>What one should say of it.</summary>
    public AnswerStatus Status => Unseen.Length == Cipher.Letters ? AnswerStatus.NoDecoder : IsReadable ? AnswerStatus.Answered : AnswerStatus.Unreadable;
}

/// <summary>The values of <see cref="Puzzle.Kind"/>.</summary>
public static class PictureKind
{
    /// <summary>The reference's layout with lower-case letters, 400x400.</summary>
    public const string Reference400 = "reference400";

    /// <summary>The reference's layout with upper-case letters, 300x300.</summary>
    public const string Reference300 = "reference300";

    /// <summary>Other fonts, grids, arrows and colours, drawn flat.</summary>
    public const string Variant = "variant";

    /// <summary>A sheet of any layout as a camera sees it.</summary>
    public const string Camera = "camera";

    /// <summary>A sheet somewhere in a camera's frame.</summary>
    public const string Scene = "scene";

    /// <summary>As people make sheets: many more faces and separators, squeezed, tilted.</summary>
    public const string Wide = "wide";
}
