using System.Text.RegularExpressions;

namespace Vlm.Core.Tests.House;

/// <summary>The page that says how a solve hangs together.</summary>
public sealed partial class SolvePageTests
{
    private const int Most = 25;

    [Fact]
    public void It_leads_to_at_most_25_files_all_of_which_are_there()
    {
        var folder = Path.Combine(Repository.Root, "docs");
        string[] files = [.. Link().Matches(File.ReadAllText(Path.Combine(folder, "solve.md"))).Select(match => match.Groups[1].Value)];

        Assert.Equal(files.Length, files.Distinct().Count());
        Assert.InRange(files.Length, 1, Most);
        Assert.All(files, file => Assert.True(File.Exists(Path.Combine(folder, file)), file));
    }

    [GeneratedRegex(@"\]\(([^)]+)\)")]
    private static partial Regex Link();
}
