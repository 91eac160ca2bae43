using System.Globalization;

namespace Vlm.Bench.Speed;

/// <summary>Resident memory of this process, in bytes.</summary>
/// <param name="Peak">The most since <see cref="Forget"/>, or since the start.</param>
/// <param name="Anonymous">Of its own now.</param>
/// <param name="File">Pages of files now, which the system may take back; null where it does not say.</param>
internal sealed record ProcessMemory(long Peak, long Anonymous, long? File)
{
    private const string Status = "/proc/self/status", Marks = "/proc/self/clear_refs";

    /// <summary>Looks; where the system does not tell the kinds apart, all of it counts as the process's own.</summary>
    public static ProcessMemory Now()
    {
        if (!System.IO.File.Exists(Status)) return new ProcessMemory(Environment.WorkingSet, Environment.WorkingSet, null);
        var lines = System.IO.File.ReadAllLines(Status);
        long Of(string name) => long.Parse(lines.First(line => line.StartsWith(name + ":", StringComparison.Ordinal)).Split((char[])[' ', '\t'],
            StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
        return new ProcessMemory(Of("VmHWM"), Of("RssAnon"), Of("RssFile"));
    }

    /// <summary>Lets the peak begin at what is resident now, where the system can.</summary>
    public static void Forget()
    {
        try
        {
            if (System.IO.File.Exists(Marks)) System.IO.File.WriteAllText(Marks, "5");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The peak then has the bandwidth's buffer in it: too high, never too low.
        }
    }
}
