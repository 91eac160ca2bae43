using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Vlm.Bench;

/// <summary>What a measurement was made on.</summary>
public static partial class ThisMachine
{
    private static readonly string Cpu = CpuName();

    /// <summary>One line: processor, processors that this process may use, operating system.</summary>
    public static string Line => $"{Cpu}, {Environment.ProcessorCount} logical processors, {RuntimeInformation.OSDescription}";

    /// <summary>The processor as a folder name.</summary>
    public static string Folder => NotInFolderNames().Replace(Cpu, "-").Trim('-');

    private static string CpuName()
    {
        const string LinuxInfo = "/proc/cpuinfo";
        string? name = File.Exists(LinuxInfo)
            ? File.ReadLines(LinuxInfo).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1]
            : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");
        return string.IsNullOrWhiteSpace(name) ? $"unnamed {RuntimeInformation.ProcessArchitecture} processor" : name.Trim();
    }

    [GeneratedRegex("[^A-Za-z0-9.]+")]
    private static partial Regex NotInFolderNames();
}
