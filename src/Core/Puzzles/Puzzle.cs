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
    char Coded, char Plain, float CodedX, float CodedY, float PlainX, float PlainY, float CentreX, float CentreY);

/// <summary>One cryptogram: a decoder picture, a coded message, and what it means.</summary>
/// <param name="Answer">The message: lower-case words joined by single spaces.</param>
/// <param name="Code">The message coded and spaced: <c>q x _ a y f</c>.</param>
/// <param name="Cipher">The alphabet that the picture shows.</param>
/// <param name="Picture">The decoder picture.</param>
/// <param name="Pairs">The 26 pairs in the order in which they are drawn.</param>
/// <param name="Kind">One of <see cref="PictureKind"/>.</param>
/// <param name="Severity">Camera severity 1-5; 0 for a picture that no camera took.</param>
public sealed record Puzzle(
    string Answer, string Code, Cipher Cipher, RgbImage Picture, IReadOnlyList<PairLabel> Pairs, string Kind, int Severity);

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
}
