using System.Text.Json;
using System.Text.RegularExpressions;

namespace Vlm.Trainer.Hub;

/// <summary>A file of a repository.</summary>
/// <param name="Name">Its name; files in folders are not fetched.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Hash">SHA-256 of a large file; of others the SHA-1 that git gives them. Lower-case hexadecimal; also its name in the cache.</param>
internal sealed record HubFile(string Name, long Bytes, string Hash)
{
    /// <summary>Whether the hash is SHA-256.</summary>
    public bool IsLarge => Hash.Length == 64;
}

/// <summary>What a repository holds at one commit: of all its files those that a checkpoint is made of.</summary>
/// <param name="Commit">40 hexadecimal digits.</param>
/// <param name="Files">Weights, configuration, tokenizer and licence, in the order of the answer.</param>
internal sealed partial record HubListing(string Commit, IReadOnlyList<HubFile> Files)
{
    /// <summary>Reads the answer of <c>/api/models/&lt;repo&gt;/revision/&lt;revision&gt;?blobs=true</c>.</summary>
    /// <exception cref="HubException">It is not what it should be, or the repository is no checkpoint in safetensors.</exception>
    public static HubListing Read(string repository, ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var commit = document.RootElement.GetProperty("sha").GetString() ?? "";
            if (!Sha1().IsMatch(commit)) throw new HubException($"The hub names the commit '{commit}' of {repository}; expected 40 hexadecimal digits.");
            HubFile[] files = [.. document.RootElement.GetProperty("siblings").EnumerateArray().Where(IsWanted).Select(ReadFile)];
            if (!files.Any(file => file.Name == "config.json") || !files.Any(file => file.Name.EndsWith(".safetensors", StringComparison.Ordinal)))
                throw new HubException($"{repository} has no config.json with weights in safetensors beside it, so it is no checkpoint that can be used here.");
            return new HubListing(commit, files);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new HubException($"The hub's list of the files of {repository} cannot be read: {e.Message}", e);
        }
    }

    private static bool IsWanted(JsonElement file) => Wanted().IsMatch(file.GetProperty("rfilename").GetString()!);

    private static HubFile ReadFile(JsonElement file)
    {
        var name = file.GetProperty("rfilename").GetString()!;
        var isLarge = file.TryGetProperty("lfs", out var large) && large.ValueKind == JsonValueKind.Object;
        var hash = (isLarge ? large.GetProperty("sha256") : file.GetProperty("blobId")).GetString() ?? "";
        if (!(isLarge ? Sha256() : Sha1()).IsMatch(hash)) throw new HubException($"The hub gives '{hash}' as the hash of {name}; expected hexadecimal digits.");
        return new HubFile(name, (isLarge ? large : file).GetProperty("size").GetInt64(), hash);
    }

    // No folders, and so nothing that leads out of one; no pickles, which run code when they are loaded.
    [GeneratedRegex(@"^(LICENSE[\w.-]*|[\w-][\w.-]*\.(safetensors|json|txt|jinja))$", RegexOptions.CultureInvariant)]
    private static partial Regex Wanted();

    [GeneratedRegex("^[0-9a-f]{40}$")]
    private static partial Regex Sha1();

    [GeneratedRegex("^[0-9a-f]{64}$")]
    private static partial Regex Sha256();
}
