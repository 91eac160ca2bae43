using System.Security.Cryptography;
using System.Text;

namespace Vlm.Trainer.Hub;

/// <summary>
/// A repository in the cache, in the layout that Hugging Face's own client shares: blobs by their hash, a folder of links for each commit, and a file
/// for each branch or tag that says its commit.
/// </summary>
/// <param name="cache">The folder of all repositories.</param>
/// <param name="repository">As in "Qwen/Qwen2.5-VL-3B-Instruct".</param>
internal sealed class HubCache(string cache, string repository)
{
    private readonly string _folder = Path.Combine(cache, $"models--{repository.Replace("/", "--", StringComparison.Ordinal)}");

    /// <summary>The folder of a commit: what a checkpoint is opened from.</summary>
    public string Snapshot(string commit) => Path.Combine(_folder, "snapshots", commit);

    /// <summary>Whether a file is there, whole: what is under its hash was checked before it was put there.</summary>
    public bool Has(HubFile file) => new FileInfo(Blob(file)) is { Exists: true } blob && blob.Length == file.Bytes;

    /// <summary>Bytes that are there of a file.</summary>
    public long Known(HubFile file)
    {
        if (Has(file)) return file.Bytes;
        var incomplete = new FileInfo(Incomplete(file));
        return incomplete.Exists && incomplete.Length <= file.Bytes ? incomplete.Length : 0;
    }

    /// <summary>Opens what is there of a file, to go on at its end. One process at a time.</summary>
    /// <exception cref="HubException">Another process fetches the same file.</exception>
    public FileStream OpenIncomplete(HubFile file)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "blobs"));
        try
        {
            var stream = new FileStream(Incomplete(file), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            if (stream.Length > file.Bytes) stream.SetLength(0);
            stream.Seek(0, SeekOrigin.End);
            return stream;
        }
        catch (IOException e) when (File.Exists(Incomplete(file)))
        {
            throw new HubException($"'{Incomplete(file)}' is in use: is another fetch of {repository} running? ({e.Message})", e);
        }
    }

    /// <summary>Checks a file that has arrived whole, and puts it under its hash.</summary>
    /// <exception cref="HubException">It is not the file that was listed; it is thrown away.</exception>
    public void Accept(HubFile file)
    {
        var incomplete = Incomplete(file);
        var found = Hash(file, incomplete);
        if (found != file.Hash)
        {
            File.Delete(incomplete);
            throw new HubException($"{file.Name} of {repository} arrived with the hash {found}; the hub listed {file.Hash}. It was thrown away: fetch again.");
        }
        File.Move(incomplete, Blob(file), overwrite: true);
    }

    /// <summary>Puts a file that is there into the folder of a commit.</summary>
    public void Link(HubFile file, string commit)
    {
        var link = Path.Combine(Snapshot(commit), file.Name);
        Directory.CreateDirectory(Snapshot(commit));
        File.Delete(link);
        try
        {
            File.CreateSymbolicLink(link, Path.Combine("..", "..", "blobs", file.Hash));
        }
        catch (Exception e) when (OperatingSystem.IsWindows() && e is (IOException or UnauthorizedAccessException))
        {
            // Links need a right there that not every user has.
            File.Copy(Blob(file), link, overwrite: true);
        }
    }

    /// <summary>Remembers which commit a branch or tag is: last, when all of it is there.</summary>
    public void SetReference(string revision, string commit)
    {
        if (revision == commit) return;
        var path = Path.Combine(_folder, "refs", revision);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, commit);
    }

    private string Blob(HubFile file) => Path.Combine(_folder, "blobs", file.Hash);

    private string Incomplete(HubFile file) => Blob(file) + ".incomplete";

    private static string Hash(HubFile file, string path)
    {
        using var stream = File.OpenRead(path);
        if (file.IsLarge) return Convert.ToHexStringLower(SHA256.HashData(stream));
#pragma warning disable CA5350 // The hash that git names files by; the hub gives no other for small files.
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
#pragma warning restore CA5350
        hash.AppendData(Encoding.ASCII.GetBytes($"blob {file.Bytes}\0"));
        var buffer = new byte[1 << 16];
        while (stream.Read(buffer) is > 0 and var read) hash.AppendData(buffer, 0, read);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
