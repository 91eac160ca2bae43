using Vlm.Model;
using Vlm.Vision;

namespace Vlm.Text;

/// <summary>What of a model's configuration positions depend on.</summary>
/// <param name="Image">The placeholder of one merged patch.</param>
/// <param name="Video">The placeholder of film frames.</param>
/// <param name="MergeSize">Side of a merged block in patches.</param>
public readonly record struct PictureTokens(int Image, int Video, int MergeSize);

/// <summary>Where each token stands in time, row and column: the position ids of the decoder's three-part rotary embedding.</summary>
/// <param name="Values">[3, T] time, then row, then column of every token.</param>
/// <param name="Length">T.</param>
/// <param name="Delta">Greatest position + 1 - T, at most 0: the n-th generated token (from 0) stands at T + n + Delta in all three.</param>
public sealed record RopePositions(long[] Values, int Length, long Delta)
{
    /// <summary>Positions of one prompt without padding: in a padded batch each row's own tokens keep these, whatever is put beside them.</summary>
    /// <param name="ids">The prompt, with one image token per merged patch.</param>
    /// <param name="grids">The pictures in the order in which they stand in the prompt.</param>
    /// <param name="config">Image token and merge size.</param>
    /// <exception cref="ArgumentException">The image tokens are not those of the pictures, or there are film tokens.</exception>
    public static RopePositions For(ReadOnlySpan<int> ids, IReadOnlyList<PatchGrid> grids, VlmConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return For(ids, grids, new PictureTokens(config.ImageTokenId, config.VideoTokenId, config.Vision.SpatialMergeSize));
    }

    /// <inheritdoc cref="For(ReadOnlySpan{int}, IReadOnlyList{PatchGrid}, VlmConfig)"/>
    public static RopePositions For(ReadOnlySpan<int> ids, IReadOnlyList<PatchGrid> grids, PictureTokens tokens)
    {
        ArgumentNullException.ThrowIfNull(grids);
        CheckTokens(ids, grids, tokens);
        var values = new long[3 * ids.Length];
        long next = 0;
        int picture = 0;
        for (int at = 0; at < ids.Length;)
        {
            if (ids[at] == tokens.Image)
            {
                PatchGrid grid = grids[picture++];
                at = AddPicture(values, at, next, (grid.Rows / tokens.MergeSize, grid.Columns / tokens.MergeSize, grid.Frames));
                // Text goes on after the longer side, not after the number of tokens.
                next += Math.Max(grid.Rows, grid.Columns) / tokens.MergeSize;
            }
            else
            {
                values[at] = values[ids.Length + at] = values[2 * ids.Length + at] = next++;
                at++;
            }
        }
        return new RopePositions(values, ids.Length, next - ids.Length);
    }

    private static int AddPicture(long[] values, int at, long start, (int Rows, int Columns, int Frames) cells)
    {
        int length = values.Length / 3;
        for (int cell = 0; cell < cells.Rows * cells.Columns * cells.Frames; cell++, at++)
        {
            // A still picture has no time of its own.
            values[at] = start;
            values[length + at] = start + cell / cells.Columns % cells.Rows;
            values[2 * length + at] = start + cell % cells.Columns;
        }
        return at;
    }

    private static void CheckTokens(ReadOnlySpan<int> ids, IReadOnlyList<PatchGrid> grids, PictureTokens tokens)
    {
        if (ids.Contains(tokens.Video))
            throw new ArgumentException("The prompt has film tokens; only still pictures are supported.", nameof(ids));
        int at = 0;
        for (int picture = 0; picture < grids.Count; picture++)
        {
            int wanted = grids[picture].MergedTokens(tokens.MergeSize);
            int skipped = ids[at..].IndexOf(tokens.Image);
            int found = skipped < 0 ? 0 : Math.Min(Run(ids[(at + skipped)..], tokens.Image), wanted);
            if (found < wanted)
            {
                throw new ArgumentException(
                    $"Picture {picture + 1} of {grids.Count} needs {wanted} image tokens (id {tokens.Image}) in one run; the prompt has {found}.", nameof(ids));
            }
            at += skipped + wanted;
        }
        if (ids[at..].Contains(tokens.Image))
            throw new ArgumentException($"The prompt has more image tokens (id {tokens.Image}) than its {grids.Count} pictures need.", nameof(ids));
    }

    private static int Run(ReadOnlySpan<int> ids, int token)
    {
        int length = ids.IndexOfAnyExcept(token);
        return length < 0 ? ids.Length : length;
    }
}
