using Vlm.Files;

namespace Vlm.Core.Tests.Files;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_replaced_whole_and_leaves_nothing_beside_it()
    {
        var path = Path.Combine(_folder.Path, "gate.json");
        AtomicFile.Write(path, "a long first version\n");
        AtomicFile.Write(path, "→ second");
        Assert.Equal([0xE2, 0x86, 0x92, .. " second"u8], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void What_cannot_be_written_leaves_the_old_file_and_nothing_else()
    {
        var path = Path.Combine(_folder.Path, "gate.json");
        AtomicFile.Write(path, "first");
        // Where the temporary file belongs is a folder.
        Directory.CreateDirectory(path + AtomicFile.Unfinished);
        Assert.Throws<UnauthorizedAccessException>(() => AtomicFile.Write(path, "second"));
        Directory.Delete(path + AtomicFile.Unfinished);
        Assert.Throws<DirectoryNotFoundException>(() => AtomicFile.Write(Path.Combine(_folder.Path, "missing", "gate.json"), "second"));
        Assert.Equal("first", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder.Path));
    }
}
