using Vlm.Hosting;

namespace Vlm.Edge.Mqtt;

/// <summary>The broker that hears of answers and of cameras, and may give messages.</summary>
internal sealed record MqttOptions
{
    /// <summary>Its host.</summary>
    public string Host { get; init; } = "";

    /// <summary>Its port; 1 to 65,535; 1883 by default, 8883 is usual with TLS.</summary>
    public int Port { get; init; } = 1883;

    /// <summary>Whether the connection is encrypted and the broker's certificate checked; false by default.</summary>
    public bool Tls { get; init; }

    /// <summary>Name of the box's user there; none by default.</summary>
    public string? User { get; init; }

    /// <summary>File with the user's password; read at every connection. None by default.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>How the box calls itself; one box each; <c>edge</c> by default.</summary>
    public string ClientId { get; init; } = "edge";

    /// <summary>What all its topics begin with; <c>edge</c> by default.</summary>
    public string Prefix { get; init; } = "edge";

    /// <summary>What topics begin with at which Home Assistant looks for devices, such as <c>homeassistant</c>; null (the default) tells it nothing.</summary>
    public string? DiscoveryPrefix { get; init; }

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        if (string.IsNullOrWhiteSpace(Host) || Host.Contains('/', StringComparison.Ordinal))
            yield return $"host: expected a name or an address, without a scheme, found '{Host}'";
        if (PasswordFile is { } file && !File.Exists(file)) yield return $"password_file: there is no file '{file}'";
        if (PasswordFile is not null && User is null) yield return "user: a password needs a user";
        if (ClientId.Length is 0 or > 64) yield return "client_id: expected 1 to 64 characters";
        foreach (var (name, prefix) in new[] { ("prefix", Prefix), ("discovery_prefix", DiscoveryPrefix ?? "x") })
        {
            if (prefix.Length is 0 or > 128 || prefix.AsSpan().ContainsAny('+', '#', '\0'))
                yield return $"{name}: expected the beginning of topics, without + and #, found '{prefix}'";
        }
        foreach (var problem in Check.Ranges(("port", Port, 1, 65_535))) yield return problem;
    }
}
