using Vlm.Cryptogram;
using Vlm.Puzzles;

namespace Vlm.Edge.Solve;

/// <summary>One picture to solve.</summary>
/// <param name="Name">The picture as the user named it.</param>
/// <param name="Path">Where the file is.</param>
/// <param name="Code">The code as the user wrote it.</param>
/// <param name="Expected">The right answer in lower case, when it is known.</param>
internal sealed record SolveItem(string Name, string Path, string Code, string? Expected)
{
    /// <summary>Camera severity, when the table has it.</summary>
    public int? Severity { get; init; }

    /// <summary>What is the matter with the picture, when the table says it; nothing otherwise.</summary>
    public Stratum Stratum { get; init; }
}

/// <summary>From the command line to what is to be solved.</summary>
internal static class SolveItems
{
    /// <exception cref="UsageException">Pictures and codes do not belong together.</exception>
    /// <exception cref="IOException">A folder's codes.csv is missing or cannot be read.</exception>
    public static IReadOnlyList<SolveItem> From(IReadOnlyList<string> pictures, IReadOnlyList<string> codes)
    {
        var files = pictures.Where(picture => !Directory.Exists(picture)).ToArray();
        CheckCodes(files.Length, codes);
        var items = new List<SolveItem>();
        var next = 0;
        foreach (var picture in pictures)
        {
            if (Directory.Exists(picture)) items.AddRange(CodesFile.Read(picture));
            else items.Add(new SolveItem(picture, picture, codes.Count == 1 ? codes[0] : codes[next++], Expected: null));
        }
        return items;
    }

    private static void CheckCodes(int files, IReadOnlyList<string> codes)
    {
        if (files == 0 && codes.Count > 0)
            throw new UsageException("--code belongs to pictures, but only folders were given; a folder's codes are in its codes.csv.");
        if (files > 0 && codes.Count == 0) throw new UsageException("A picture needs its code: --code \"q x _ a y f\".");
        if (codes.Count > 1 && codes.Count != files)
            throw new UsageException($"{codes.Count} codes were given for {files} pictures; give one for all, or one for each.");
        foreach (var code in codes)
        {
            try
            {
                _ = Code.Parse(code);
            }
            catch (CodeException e)
            {
                throw new UsageException($"--code \"{code}\": {e.Message}");
            }
        }
    }
}
