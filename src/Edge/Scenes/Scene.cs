using System.Numerics;
using Vlm.Vision;

namespace Vlm.Edge.Scenes;

/// <summary>What a picture shows, small enough to keep: a perceptual hash to find it by, and a thumbnail to make sure.</summary>
/// <remarks>
/// The hash alone would not do. Two sheets of one layout differ in their small letters only, and 64 bits do not see those: drawn sheets with different
/// ciphers lie 0 bits apart at the least, the same sheet with sensor noise up to 10. Of the thumbnail the same scene changes each cell by less than 13 of 255
/// (JPEG of quality 70, noise of 8), while exchanging two letters as alike as c and e, or i and l, changes one by more than 24.
/// </remarks>
internal sealed class Scene
{
    // dHash as first described: 9 x 8 means, a bit for each pair of neighbours.
    private const int HashColumns = 9, HashRows = 8, Side = 128;
    private const int MostBits = 12;
    private const float MostDifference = 24;

    private readonly byte[] _thumbnail;
    private readonly float _mean;

    private Scene(ulong hash, byte[] thumbnail) => (Hash, _thumbnail, _mean) = (hash, thumbnail, (float)thumbnail.Average(value => (double)value));

    /// <summary>64 bits, each saying whether a place is darker than the place to its right (dHash).</summary>
    public ulong Hash { get; }

    /// <summary>The scene of a picture of any size.</summary>
    public static Scene From(RgbImage picture)
    {
        var grey = GreyCells.Of(picture, HashColumns, HashRows);
        ulong hash = 0;
        for (var row = 0; row < HashRows; row++)
        {
            for (var column = 0; column < HashColumns - 1; column++)
                hash = (hash << 1) | (grey[(row * HashColumns) + column] < grey[(row * HashColumns) + column + 1] ? 1UL : 0UL);
        }
        return new Scene(hash, [.. GreyCells.Of(picture, Side, Side).Select(value => (byte)MathF.Round(value))]);
    }

    /// <summary>Whether both show the same, apart from noise, compression and overall brightness.</summary>
    public bool IsSameAs(Scene other) => BitOperations.PopCount(Hash ^ other.Hash) <= MostBits && Difference(other) <= MostDifference;

    /// <summary>Whether fine detail is the same, the order of light and dark apart: on an even wall that is noise.</summary>
    public bool HasSameDetailAs(Scene other) => Difference(other) <= MostDifference;

    /// <summary>The largest difference of two cells, overall brightness apart; 0 to 255.</summary>
    public float Difference(Scene other)
    {
        var (most, shift) = (0f, _mean - other._mean);
        for (var i = 0; i < _thumbnail.Length; i++) most = MathF.Max(most, MathF.Abs(_thumbnail[i] - other._thumbnail[i] - shift));
        return most;
    }
}
