namespace Vlm.Trainer.Hub;

/// <summary>Where a hub is, where its files are kept here, and who asks: from the environment, as Hugging Face's own client reads it.</summary>
/// <param name="Endpoint">Its address.</param>
/// <param name="Cache">The folder that holds one folder for each repository.</param>
/// <param name="Token">Sent to the endpoint and nowhere else; null for public repositories.</param>
internal sealed record HubPlace(Uri Endpoint, string Cache, string? Token)
{
    private const string Usual = "https://huggingface.co";

    /// <summary>The address that paths are added to.</summary>
    public string Base => Endpoint.AbsoluteUri.TrimEnd('/');

    /// <summary>HF_ENDPOINT; HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME or the home folder; a file, HF_TOKEN, or the file of HF_TOKEN_PATH or in HF_HOME.</summary>
    /// <param name="variable">A variable of the environment; null or empty where it is not set.</param>
    /// <param name="home">The user's home folder.</param>
    /// <param name="tokenFile">A file that was named on the command line; null for none.</param>
    /// <exception cref="HubException">The endpoint is no address, or the named file cannot be read.</exception>
    public static HubPlace From(Func<string, string?> variable, string home, string? tokenFile)
    {
        string? Set(string name) => variable(name) is { Length: > 0 } value ? value : null;
        var own = Set("HF_HOME") ?? Path.Combine(Set("XDG_CACHE_HOME") ?? Path.Combine(home, ".cache"), "huggingface");
        var address = Set("HF_ENDPOINT") ?? Usual;
        if (!Uri.TryCreate(address.TrimEnd('/'), UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https"))
            throw new HubException($"HF_ENDPOINT is '{address}'; expected an http or https address such as {Usual}.");
        return new HubPlace(endpoint, Set("HF_HUB_CACHE") ?? Path.Combine(own, "hub"), FindToken(Set, own, tokenFile));
    }

    private static string? FindToken(Func<string, string?> set, string own, string? tokenFile)
    {
        if (tokenFile is not null && !File.Exists(tokenFile)) throw new HubException($"There is no token file '{tokenFile}'.");
        if (tokenFile is null && set("HF_TOKEN") is { } token) return token.Trim();
        var file = tokenFile ?? set("HF_TOKEN_PATH") ?? Path.Combine(own, "token");
        return File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } read ? read : null;
    }
}
