using System.CommandLine;
using Vlm.Files;

namespace Vlm.Bench;

/// <summary>Keeps a report twice: as JSON for programs, as Markdown for people.</summary>
internal static class ReportFolder
{
    /// <summary>Where reports go.</summary>
    public static Option<string> Option() => new("--results")
    {
        Description = "Where the report goes, in a folder for this processor.",
        DefaultValueFactory = _ => "tests/Bench/Results",
    };

    /// <summary>Writes both files into a folder, which is made when absent.</summary>
    /// <returns>The Markdown file's path.</returns>
    public static string Save(string folder, string name, string json, string markdown)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, name);
        AtomicFile.Write(path + ".json", json + "\n");
        AtomicFile.Write(path + ".md", markdown);
        return path + ".md";
    }
}
