using System.Buffers.Binary;

namespace Vlm.Edge.Tests;

/// <summary>Publishing takes the native libraries that the packages bring for a system: all of them must be there, and of its processor.</summary>
public sealed class NativesTests
{
    private const int ElfMachine = 18;

    // e_machine of the ELF header: EM_X86_64 and EM_AARCH64.
    [Theory]
    [InlineData("linux-x64", 62)]
    [InlineData("linux-arm64", 183)]
    public void Every_native_library_of_a_published_system_is_of_its_processor(string system, int machine)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a build on another system leaves Linux's libraries out");
        var folder = Path.Combine(AppContext.BaseDirectory, "runtimes", system, "native");
        foreach (var name in (string[])["libonnxruntime.so", "libSkiaSharp.so", "libe_sqlite3.so"])
            Assert.True(File.Exists(Path.Combine(folder, name)), $"{system} lacks {name}");
        Span<byte> header = stackalloc byte[ElfMachine + 2];
        foreach (var library in Directory.EnumerateFiles(folder, "*.so"))
        {
            using var file = File.OpenRead(library);
            file.ReadExactly(header);
            Assert.True(header.StartsWith("\u007fELF"u8), $"{library} is no ELF file");
            Assert.Equal((library, machine), (library, BinaryPrimitives.ReadUInt16LittleEndian(header[ElfMachine..])));
        }
    }
}
