using System.Security.Cryptography;
using System.Text;
using Vlm.Cryptogram;
using Vlm.Edge.Solve;
using Vlm.Puzzles;
using Vlm.Vision;

namespace Vlm.Edge.Calibrate;

/// <summary>A picture and a code whose answer is known.</summary>
/// <param name="Name">For people: the file, or the number in its split.</param>
/// <param name="Picture">The picture as the camera would deliver it.</param>
/// <param name="Code">The code in its normal form.</param>
/// <param name="Answer">The right answer in lower case.</param>
/// <param name="Severity">Camera severity; null when it is not known.</param>
internal sealed record LabelledPuzzle(string Name, RgbImage Picture, string Code, string Answer, int? Severity)
{
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
/// <param name="Key">Names the measurements on disk: the same puzzles have the same key, however many of them.</param>
/// <param name="Count">How many.</param>
/// <param name="At">The puzzle of an index, 0 to count - 1; may be called from several threads.</param>
internal sealed record LabelledPuzzles(string Description, string Key, int Count, Func<int, LabelledPuzzle> At)
{
    /// <exception cref="IOException">The folder's codes.csv is missing, cannot be read, or a row has no answer.</exception>
    public static LabelledPuzzles From(CalibrateOptions options) => options.Data is { } folder ? OfFolder(folder) : Drawn(options);

    private static LabelledPuzzles Drawn(CalibrateOptions options)
    {
        var source = new PuzzleSource(PuzzleOptions.For(options.Split, options.Severity.Low, options.Severity.High), options.Seed);
        var split = options.Split.ToString().ToLowerInvariant();
        var isCamera = options.Split == Split.Camera;
        var severity = isCamera ? $", severity {options.Severity}" : "";
        var key = isCamera ? $"{split}-{options.Severity}-seed{options.Seed}" : $"{split}-seed{options.Seed}";
        return new LabelledPuzzles($"{split}{severity}, seed {options.Seed}, {options.Count} puzzles", key, options.Count, Draw);

        LabelledPuzzle Draw(int index)
        {
            var puzzle = source.At(index);
            return new LabelledPuzzle($"{split} {index}", puzzle.Picture, puzzle.Code, puzzle.Answer, isCamera ? puzzle.Severity : null);
        }
    }

    private static LabelledPuzzles OfFolder(string folder)
    {
        var items = CodesFile.Read(folder).ToArray();
        if (items.Length == 0) throw new IOException($"'{folder}' has a codes.csv without rows. Calibrating takes labelled puzzles.");
        var unlabelled = Array.FindIndex(items, item => item.Expected is null);
        if (unlabelled >= 0)
            throw new IOException($"'{folder}': row {unlabelled + 2} of codes.csv ('{items[unlabelled].Name}') has no answer. Calibrating takes labelled puzzles: add the column answer.");
        var name = Path.GetFileName(Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar));
        var table = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, CodesFile.FileName))))[..12];
        return new LabelledPuzzles($"folder {name}, {items.Length} puzzles", $"{name}-{table}", items.Length, index => Read(items[index]));
    }

    private static LabelledPuzzle Read(SolveItem item)
    {
        try
        {
            return new LabelledPuzzle(item.Name, ImageCodec.Read(ImageCodec.Load(item.Path)).Image, Code.Parse(item.Code), item.Expected!, item.Severity);
        }
        catch (Exception e) when (e is PictureException or CodeException)
        {
            throw new IOException($"'{item.Path}': {e.Message}", e);
        }
    }
}
