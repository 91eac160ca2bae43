using Vlm.Drawing;

namespace Vlm.Puzzles;

/// <summary>How the pairs sit in their cells vertically.</summary>
public enum VerticalPlacement
{
    /// <summary>As the reference: centred by ink height, but drawn below by the distance from the line's top to the ink.</summary>
    Reference,

    /// <summary>The middle of each pair's ink at the cell's middle.</summary>
    InkCentre,

    /// <summary>A common baseline per row.</summary>
    Baseline,
}

/// <summary>What is drawn around the pairs.</summary>
public enum Decoration
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Lines between cells.</summary>
    GridLines,

    /// <summary>A border around each pair.</summary>
    CellBorders,

    /// <summary>A tinted card behind each pair.</summary>
    Cards,

    /// <summary>One border around all pairs.</summary>
    Frame,
}

/// <summary>
/// How a sheet of 26 pairs looks. Lengths are in pixels of the sheet at scale 1, whose shorter side is about 400.
/// </summary>
public sealed record SheetStyle
{
    /// <summary>The ascent of the reference's edition of its font; later editions have less.</summary>
    private const float ReferenceAscent = 1.5f;

    /// <summary>Sheet width.</summary>
    public required int Width { get; init; }

    /// <summary>Sheet height.</summary>
    public required int Height { get; init; }

    /// <summary>Cells in a row.</summary>
    public required int Columns { get; init; }

    /// <summary>Full rows; with 25 cells the 26th pair stands alone in a strip of 50 pixels below.</summary>
    public required int Rows { get; init; }

    /// <summary>Font of the letters.</summary>
    public required FontFace Face { get; init; }

    /// <summary>Pixels per em.</summary>
    public required float FontSize { get; init; }

    /// <summary>What stands between the letters.</summary>
    public string Arrow { get; init; } = "→";

    /// <summary>Font of the arrow.</summary>
    public required FontFace ArrowFace { get; init; }

    /// <summary>A line of text above the pairs; none by default.</summary>
    public string? Heading { get; init; }

    /// <summary>Alignment of outlines to the pixel grid.</summary>
    public GlyphHinting Hinting { get; init; } = GlyphHinting.Normal;

    /// <summary>Letters in upper case.</summary>
    public bool UpperCase { get; init; }

    /// <summary>Vertical placement.</summary>
    public VerticalPlacement Placement { get; init; } = VerticalPlacement.InkCentre;

    /// <summary>From the top of a line to its baseline, in ems, for <see cref="VerticalPlacement.Reference"/>.</summary>
    public float LineAscent { get; init; } = 1;

    /// <summary>Each pair is moved by up to this many pixels in both directions.</summary>
    public float Jitter { get; init; }

    /// <summary>Space left free on all sides.</summary>
    public float Margin { get; init; }

    /// <summary>Where an incomplete last row stands: 0 left, 0.5 centred, 1 right.</summary>
    public float LastRow { get; init; } = 0.5f;

    /// <summary>Lines or cards.</summary>
    public Decoration Decoration { get; init; }

    /// <summary>How much ink the decoration takes, 0 to 1.</summary>
    public float DecorationInk { get; init; }

    /// <summary>Colour of the sheet.</summary>
    public Colour Paper { get; init; } = Colour.White;

    /// <summary>Colour of letters and lines.</summary>
    public Colour Ink { get; init; } = Colour.Black;

    /// <summary>The reference's picture for words and sequences: 400x400, lower case, 80x70 cells, 20 pixels.</summary>
    public static SheetStyle Reference400(FontFace face) => Reference(400, face);

    /// <summary>The reference's picture for single words: 300x300, upper case, 60x50 cells, 20 pixels.</summary>
    public static SheetStyle Reference300(FontFace face) => Reference(300, face) with { UpperCase = true };

    private static SheetStyle Reference(int side, FontFace face) => new()
    {
        Width = side,
        Height = side,
        Columns = 5,
        Rows = 5,
        Face = face,
        FontSize = 20,
        ArrowFace = Fonts.ArrowFor(face, "→"),
        Placement = VerticalPlacement.Reference,
        LineAscent = ReferenceAscent,
    };
}
