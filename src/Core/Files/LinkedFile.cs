namespace Vlm.Files;

/// <summary>Files whose names may be symbolic links, as hub caches keep them: opening one follows the link, asking for its length does not.</summary>
internal static class LinkedFile
{
    /// <summary>Bytes of the file that a name leads to.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public static long Length(string path)
    {
        using var file = File.OpenHandle(path);
        return RandomAccess.GetLength(file);
    }
}
