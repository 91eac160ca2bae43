using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text;
using Vlm.Drawing;

namespace Vlm.Edge.Doctor;

/// <summary>What this machine is and has. Looks; judges nothing.</summary>
internal static partial class Machine
{
    // Of struct timex on every Linux that .NET runs on, with room to spare; zeros ask for nothing to be changed.
    private const int TimexBytes = 512;
    private const int NotSynchronised = 5;
    private const string NewLibrary = "GLIBCXX_3.4.32";

    /// <summary>"x64, 2 processors, AVX2, AVX-512, VNNI".</summary>
    public static string Processor() => string.Join(", ",
    [
        RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(),
        Environment.ProcessorCount == 1 ? "1 processor" : $"{Environment.ProcessorCount} processors",
        .. Features(),
    ]);

    /// <summary>Bytes that this process may still take, as the system and its container say.</summary>
    public static long AvailableMemory()
    {
        var limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        const string Line = "MemAvailable:";
        if (!File.Exists("/proc/meminfo")) return limit;
        var line = File.ReadLines("/proc/meminfo").FirstOrDefault(line => line.StartsWith(Line, StringComparison.Ordinal));
        return line is not null && long.TryParse(line[Line.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), out var kibibytes)
            ? Math.Min(limit, kibibytes << 10)
            : limit;
    }

    /// <summary>The faces that puzzles and reports are drawn in.</summary>
    /// <exception cref="UserException">There are none.</exception>
    public static string FontFaces() => $"{Fonts.Training.Count + Fonts.HeldOut.Count} of {Fonts.List.Count} faces";

    /// <summary>The C++ library of this process's native libraries: its path, and whether it is that of GCC 13 or later. Null where there is none.</summary>
    public static (string Path, bool IsNew)? CppLibrary()
    {
        const string Name = "libstdc++.so.6";
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad(Name, out var library)) return null;
        try
        {
            var path = File.ReadLines("/proc/self/maps").Select(line => line[(line.IndexOf('/', StringComparison.Ordinal) + 1)..])
                .FirstOrDefault(path => path.Contains("libstdc++.so", StringComparison.Ordinal));
            return path is null ? (Name, false) : ($"/{path}", File.ReadAllBytes($"/{path}").AsSpan().IndexOf(Encoding.ASCII.GetBytes(NewLibrary)) >= 0);
        }
        finally
        {
            NativeLibrary.Free(library);
        }
    }

    /// <summary>Whether the system says that its clock follows a time server; null when it says nothing.</summary>
    public static bool? IsClockSynchronised()
    {
        if (!OperatingSystem.IsLinux()) return null;
        var state = AdjustTime(new byte[TimexBytes]);
        return state < 0 ? null : state != NotSynchronised;
    }

    /// <summary>A folder that may not be there yet: what is free, and whether it could be made and written to.</summary>
    public static FolderFacts Folder(string path, long needs)
    {
        var existing = new DirectoryInfo(Path.GetFullPath(path));
        while (!existing.Exists && !File.Exists(existing.FullName) && existing.Parent is { } parent) existing = parent;
        if (!existing.Exists) return new FolderFacts(path, needs, 0, $"'{existing.FullName}' is a file where a folder is expected");
        var probe = Path.Combine(existing.FullName, $".doctor-{Environment.ProcessId}");
        try
        {
            File.Create(probe, bufferSize: 1, FileOptions.DeleteOnClose).Dispose();
            return new FolderFacts(path, needs, new DriveInfo(existing.FullName).AvailableFreeSpace, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new FolderFacts(path, needs, 0, $"nothing can be written there: {e.Message}");
        }
    }

    private static IEnumerable<string> Features()
    {
        if (Avx2.IsSupported) yield return "AVX2";
        if (Avx512F.IsSupported) yield return "AVX-512";
        if (X86Base.IsSupported && X86Base.CpuId(0, 0).Eax >= 7)
        {
            var (first, second) = (X86Base.CpuId(7, 0), X86Base.CpuId(7, 1));
            if ((first.Ecx & (1 << 11)) != 0) yield return "AVX-512 VNNI";
            if ((second.Eax & (1 << 4)) != 0) yield return "AVX-VNNI";
            if ((second.Eax & (1 << 5)) != 0) yield return "AVX-512 BF16";
            if ((first.Edx & (1 << 24)) != 0) yield return "AMX";
        }
        if (AdvSimd.IsSupported) yield return "NEON";
        if (Dp.IsSupported) yield return "dot products";
        if (RuntimeInformation.ProcessArchitecture == Architecture.X64 && !Avx2.IsSupported) yield return "no AVX2, so several times slower";
    }

    [LibraryImport("libc", EntryPoint = "adjtimex")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int AdjustTime(Span<byte> timex);
}
