namespace Vlm.Edge.Tests.Cameras.Sources;

/// <summary>Processes that this one started, dead ones that nobody fetched included.</summary>
internal static class Children
{
    private static readonly string[] Programs = ["(ffmpeg)", "(sleep)", "(yes)"];

    /// <summary>Tests that count them do not run at the same time.</summary>
    public const string Counted = "children are counted";

    /// <summary>The numbers of those that run ffmpeg, or what stands in its place.</summary>
    public static int[] OfThis()
    {
        Assert.SkipUnless(Directory.Exists("/proc/self"), "Processes are looked up in /proc");
        return [.. Directory.EnumerateDirectories("/proc").Select(folder => int.TryParse(Path.GetFileName(folder), out var number) ? number : 0)
            .Where(number => Stat(number) is { } stat && Programs.Any(program => stat.Contains(program, StringComparison.Ordinal))
                && stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1] == Environment.ProcessId.ToString(null as IFormatProvider))];
    }

    private static string? Stat(int number)
    {
        if (number == 0) return null;
        try
        {
            return File.ReadAllText($"/proc/{number}/stat");
        }
        catch (IOException)
        {
            return null;
        }
    }
}
