using System.Security.Cryptography;
using System.Text;
using Vlm.Cryptogram;
using Vlm.Edge.Solve;
using Vlm.Gating;
using Vlm.Puzzles;
using Vlm.Vision;

namespace Vlm.Edge.Calibrate;

/// <summary>A picture and a code whose answer is known.</summary>
/// <param name="Name">For people: the file, or the number in its stratum.</param>
/// <param name="Picture">The picture as the camera would deliver it.</param>
/// <param name="Code">The code in its normal form.</param>
/// <param name="Answer">The right answer in lower case, with <c>?</c> for letters that the picture does not show where that is known.</param>
/// <param name="Stratum">What is the matter with the picture.</param>
internal sealed record LabelledPuzzle(string Name, RgbImage Picture, string Code, string Answer, Stratum Stratum)
{
    /// <summary>Camera severity; null when it is not known.</summary>
    public int? Severity { get; init; }

    /// <summary>Whether the sheet is somewhere in a larger frame.</summary>
    public bool IsScene { get; init; }

    /// <summary>Whether the picture shows every letter of the code.</summary>
    public bool IsReadable => Calibration.IsReadable(Stratum);

    /// <summary>SHA-256 of everything that the model is asked and should answer.</summary>
    public string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{Picture.Width} {Picture.Height}\n{Code}\n{Answer}\n"));
        hash.AppendData(Picture.Pixels);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>The puzzles to measure with, read or drawn when they are asked for.</summary>
/// <param name="Description">For people and for the certificate.</param>
/// <param name="Key">Names the measurements on disk: the same puzzles have the same key and indices, however many of them.</param>
/// <param name="Indices">Of all puzzles.</param>
/// <param name="At">The puzzle of an index; may be called from several threads.</param>
internal sealed record LabelledPuzzles(string Description, string Key, IReadOnlyList<int> Indices, Func<int, LabelledPuzzle> At)
{
    // Every stratum has its own block of indices, so that more puzzles of one move no other.
    private const int Block = 100_000_000;

    // The block after the last stratum's.
    private static readonly int SceneBlock = Enum.GetValues<Stratum>().Length;

    // A stratum's puzzle is drawn again until its message cannot be read: at least half of them cannot.
    private const int Draws = 16;

    /// <exception cref="IOException">The folder's codes.csv is missing, cannot be read, or a row has no answer.</exception>
    public static LabelledPuzzles From(CalibrateOptions options) => options.Data is { } folder ? OfFolder(folder) : Drawn(options);

    private static LabelledPuzzles Drawn(CalibrateOptions options)
    {
        var split = options.Split.ToString().ToLowerInvariant();
        var isCamera = options.Split == Split.Camera;
        var severity = isCamera ? $", severity {options.Severity}" : "";
        var key = isCamera ? $"{split}-{options.Severity}-seed{options.Seed}" : $"{split}-seed{options.Seed}";
        int[] indices =
        [
            .. options.Strata.SelectMany(drawn => Enumerable.Range((int)drawn.Stratum * Block, drawn.Count)),
            .. Enumerable.Range(SceneBlock * Block, options.Scenes),
        ];
        var scenes = new PuzzleSource(PuzzleOptions.For(Split.Scene, options.Severity.Low, options.Severity.High), options.Seed);
        var counts = string.Join(", ", options.Strata.Select(drawn => $"{drawn.Count} {Calibration.Name(drawn.Stratum)}"))
            + (options.Scenes > 0 ? $", {options.Scenes} {Certificate.Scenes}" : "");
        var sources = options.Strata.ToDictionary(drawn => drawn.Stratum, drawn => new PuzzleSource(
            PuzzleOptions.For(options.Split, options.Severity.Low, options.Severity.High) with { Strata = StratumMix.Only(drawn.Stratum) }, options.Seed));
        return new LabelledPuzzles($"{split}{severity}, seed {options.Seed}, {counts} puzzles", key, indices, Draw);

        LabelledPuzzle Draw(int index)
        {
            if (index / Block == SceneBlock) return DrawScene(scenes, index % Block);
            var (stratum, number) = ((Stratum)(index / Block), index % Block);
            var puzzle = DrawOf(sources[stratum], stratum, number);
            return new LabelledPuzzle($"{Calibration.Name(stratum)} {number}", puzzle.Picture, puzzle.Code, puzzle.Answer, stratum)
            {
                Severity = isCamera ? puzzle.Severity : null,
            };
        }
    }

    private static LabelledPuzzle DrawScene(PuzzleSource source, int number)
    {
        var puzzle = source.At(number);
        return new LabelledPuzzle($"{Certificate.Scenes} {number}", puzzle.Picture, puzzle.Code, puzzle.Answer, Stratum.Whole)
        {
            Severity = puzzle.Severity,
            IsScene = true,
        };
    }

    /// <summary>
    /// The puzzle of a number; of strata that cannot be read only such whose message has a letter that is not shown, or shown twice differently.
    /// </summary>
    private static Puzzle DrawOf(PuzzleSource source, Stratum stratum, int number)
    {
        if (Calibration.IsReadable(stratum)) return source.At(number);
        for (var draw = 0; draw < Draws; draw++)
        {
            if (source.At(((long)number * Draws) + draw) is { IsReadable: false } puzzle) return puzzle;
        }

        throw new InvalidOperationException($"{Draws} puzzles of the stratum {stratum} in a row can be read; at most half of them should be.");
    }

    private static LabelledPuzzles OfFolder(string folder)
    {
        var items = CodesFile.Read(folder).ToArray();
        if (items.Length == 0) throw new IOException($"'{folder}' has a codes.csv without rows. Calibrating takes labelled puzzles.");
        var unlabelled = Array.FindIndex(items, item => item.Expected is null && Calibration.IsReadable(item.Stratum));
        if (unlabelled >= 0)
        {
            throw new IOException($"'{folder}': row {unlabelled + 2} of codes.csv ('{items[unlabelled].Name}') has no answer. "
                + "Calibrating takes labelled puzzles: add the column answer.");
        }
        var name = Path.GetFileName(Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar));
        var table = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, CodesFile.FileName))))[..12];
        int[] indices = [.. Enumerable.Range(0, items.Length)];
        return new LabelledPuzzles($"folder {name}, {items.Length} puzzles", $"{name}-{table}", indices, index => Read(items[index]));
    }

    private static LabelledPuzzle Read(SolveItem item)
    {
        try
        {
            var picture = ImageCodec.Read(ImageCodec.Load(item.Path)).Image;
            return new LabelledPuzzle(item.Name, picture, Code.Parse(item.Code), item.Expected ?? "", item.Stratum) { Severity = item.Severity };
        }
        catch (Exception e) when (e is PictureException or CodeException)
        {
            throw new IOException($"'{item.Path}': {e.Message}", e);
        }
    }
}
