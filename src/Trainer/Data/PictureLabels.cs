using Vlm.Puzzles;
using Vlm.Vision;

namespace Vlm.Trainer.Data;

/// <summary>Patch <paramref name="Patch"/> holds the centre of a letter: <paramref name="Class"/> = letter, + 26 for the plain one.</summary>
public readonly record struct GlyphLabel(int Patch, int Class);

/// <summary>Image token <paramref name="Token"/> holds the centre of a pair of letters 0 … 25.</summary>
public readonly record struct PairTokenLabel(int Token, int Coded, int Plain);

/// <summary>A picture as the model takes it, with where its letters are. Exists only in training.</summary>
/// <param name="Patches">[N, 1176]</param>
/// <param name="Glyphs">Letters by patch, for the auxiliary loss after the second vision block.</param>
/// <param name="Pairs">Pairs by image token, for the auxiliary loss after the merger.</param>
/// <param name="PairTokens">Coded letter to image token; letters that the picture does not show, or shows twice, have none.</param>
public sealed record LabelledPatches(
    Patches Patches, IReadOnlyList<GlyphLabel> Glyphs, IReadOnlyList<PairTokenLabel> Pairs, IReadOnlyDictionary<char, int> PairTokens)
{
    /// <summary>Prepares a picture; places outside it, and tokens that two pairs share, get no label.</summary>
    public static LabelledPatches Of(Puzzle puzzle, PictureConfig config)
    {
        var patches = Patches.From(puzzle.Picture, config);
        var place = new PatchPlaces(patches.Grid, puzzle.Picture, config);
        var glyphs = new List<GlyphLabel>();
        var pairs = new List<PairTokenLabel>();
        foreach (var pair in puzzle.Pairs)
        {
            if (place.PatchAt(pair.CodedX, pair.CodedY) is { } coded) glyphs.Add(new GlyphLabel(coded, pair.Coded - 'a'));
            if (place.PatchAt(pair.PlainX, pair.PlainY) is { } plain) glyphs.Add(new GlyphLabel(plain, 26 + pair.Plain - 'a'));
            if (place.PatchAt(pair.CentreX, pair.CentreY) is { } centre)
                pairs.Add(new PairTokenLabel(centre / (config.MergeSize * config.MergeSize), pair.Coded - 'a', pair.Plain - 'a'));
        }
        var single = Single(pairs, p => p.Token);
        var clear = single.Where(p => !(puzzle.Unseen + puzzle.Unclear).Contains((char)('a' + p.Coded), StringComparison.Ordinal));
        return new LabelledPatches(patches, Single(glyphs, g => g.Patch), single, clear.ToDictionary(p => (char)('a' + p.Coded), p => p.Token));
    }

    private static List<T> Single<T>(IEnumerable<T> labels, Func<T, int> place)
        => [.. labels.GroupBy(place).Where(g => g.Count() == 1).Select(g => g.First())];
}

/// <summary>From pixels of the original picture to patches in merge-block order.</summary>
internal sealed class PatchPlaces(PatchGrid grid, RgbImage picture, PictureConfig config)
{
    /// <summary>The patch that holds a point, or null when the point is outside the picture.</summary>
    public int? PatchAt(float x, float y)
    {
        var column = (int)MathF.Floor(x / picture.Width * grid.Columns);
        var row = (int)MathF.Floor(y / picture.Height * grid.Rows);
        if (column < 0 || row < 0 || column >= grid.Columns || row >= grid.Rows) return null;
        var m = config.MergeSize;
        var block = row / m * (grid.Columns / m) + column / m;
        return block * m * m + row % m * m + column % m;
    }
}
