namespace Vlm.Files;

/// <summary>What git puts in a file's place when git-LFS has not fetched it: a few lines of text.</summary>
internal static class LfsPointer
{
    /// <summary>What is wrong and what to do, to follow the file's name.</summary>
    public const string Problem = "is a git-LFS pointer and not the file itself; run 'git lfs pull' where it was cloned";

    private static ReadOnlySpan<byte> Start => "version https://git-lfs.github.com/spec/"u8;

    /// <summary>Whether a file that begins like this is one.</summary>
    public static bool IsStartOf(ReadOnlySpan<byte> file) => file.StartsWith(Start);

    /// <summary>The same for a file on the disk; false when it cannot be read.</summary>
    public static bool IsAt(string path)
    {
        try
        {
            using var file = File.OpenHandle(path);
            Span<byte> start = stackalloc byte[Start.Length];
            return RandomAccess.Read(file, start, 0) == start.Length && IsStartOf(start);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
