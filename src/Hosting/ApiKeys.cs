using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Vlm.Hosting;

/// <summary>Where the keys of a service are.</summary>
/// <param name="IsRequired">False lets in everybody who can reach the port.</param>
/// <param name="File">File with a name, the SHA-256 of a key and its roles per line; null for none.</param>
/// <param name="Variable">Environment variable with keys in plain text, separated by commas; null for none.</param>
/// <param name="Setting">The option that names the file, for messages.</param>
public sealed record KeySource(bool IsRequired, string? File, string? Variable, string Setting);

/// <summary>
/// The keys that are let in: names, SHA-256 hashes and roles. The file is read again when it changes, so keys are exchanged without a restart. Thread-safe.
/// </summary>
public sealed class ApiKeys
{
    // A file that is looked at for every request would be a cost; one second is soon enough to lock somebody out.
    private static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(1);
    private const int MaxKeys = 10_000;
    private const int MaxKeyLength = 512;

    private readonly KeySource _source;
    private readonly TimeProvider _time;
    private readonly ILogger<ApiKeys> _log;
    private readonly Entry[] _fixed;
    private readonly Lock _gate = new();
    private Entry[] _keys;
    private DateTime _written;
    private long _checked;

    /// <summary>Reads the keys.</summary>
    /// <exception cref="ConfigException">Keys are required and there are none, or the file is not one of keys.</exception>
    public ApiKeys(KeySource source, TimeProvider time, ILogger<ApiKeys> log)
    {
        (_source, _time, _log) = (source, time, log);
        _fixed = source.Variable is not { } variable ? [] : [.. (Environment.GetEnvironmentVariable(variable) ?? "")
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select((key, i) => new Entry(new Caller($"{variable}[{i}]", Roles.Ask), Hash(key)))];
        _written = Written();
        _keys = [.. _fixed, .. ReadFile()];
        _checked = time.GetTimestamp();
        if (!source.IsRequired || _keys.Length > 0) return;
        var elsewhere = source.Variable is null ? "" : $" and the environment variable {source.Variable} is empty";
        throw new ConfigException($"No API keys: {source.Setting} names none{elsewhere}, so nobody could ask. Make one with the verb 'key'.");
    }

    /// <summary>Whether clients without a key are sent away.</summary>
    public bool IsRequired => _source.IsRequired;

    /// <summary>Whose key it is, or null. The time it takes does not depend on how much of a key is right.</summary>
    public Caller? Find(string? key)
    {
        if (key is null or { Length: 0 or > MaxKeyLength }) return null;
        var hash = Hash(key);
        Caller? caller = null;
        foreach (var entry in Current())
        {
            if (CryptographicOperations.FixedTimeEquals(entry.Hash, hash)) caller = entry.Caller;
        }
        return caller;
    }

    /// <summary>The line of the key file that lets a key in.</summary>
    public static string ToLine(string name, string key, Roles roles = Roles.Ask) =>
        $"{name} {Convert.ToHexStringLower(Hash(key))} {RoleNames.Write(roles)}";

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private Entry[] Current()
    {
        lock (_gate)
        {
            if (_source.File is null || _time.GetElapsedTime(_checked) < CheckEvery) return _keys;
            _checked = _time.GetTimestamp();
            var written = Written();
            if (written == _written) return _keys;
            try
            {
                _keys = [.. _fixed, .. ReadFile()];
                _written = written;
                _log.KeysRead(_keys.Length);
            }
            catch (Exception e) when (e is ConfigException or IOException or UnauthorizedAccessException)
            {
                // Half-written or gone: the keys that were read last stay in force, and the next look tries again.
                _log.KeysUnreadable(e.Message);
            }
            return _keys;
        }
    }

    private DateTime Written() => _source.File is null ? default : File.GetLastWriteTimeUtc(_source.File);

    private IEnumerable<Entry> ReadFile()
    {
        if (_source.File is not { } file) return [];
        if (!File.Exists(file))
            throw new ConfigException($"The key file '{file}' ({_source.Setting}) does not exist. Make a key with the verb 'key' and write its line there.");
        var lines = File.ReadAllLines(file);
        if (lines.Length > MaxKeys) throw new ConfigException($"'{file}' has {lines.Length} lines; at most {MaxKeys} are read.");
        return [.. lines.Index().Where(line => line.Item.Trim() is { Length: > 0 } text && text[0] != '#').Select(line => Parse(line.Item, line.Index + 1))];
    }

    // The line itself is not shown: it may be a key.
    private Entry Parse(string line, int number)
    {
        var parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length is 2 or 3 && parts[1].Length == 64 && parts[1].All(char.IsAsciiHexDigit))
        {
            // Lines of earlier versions have no roles: such a key asks, as before.
            var roles = parts.Length == 2 ? Roles.Ask : RoleNames.Parse(parts[2]) ?? throw new ConfigException(
                $"{_source.File}:{number}: expected roles out of {RoleNames.Known} with commas between and no spaces, found '{parts[2]}'.");
            return new Entry(new Caller(parts[0], roles), Convert.FromHexString(parts[1]));
        }
        var found = parts.Length == 1 ? "one word, perhaps a key in plain text, as files of earlier versions held it" : "something else";
        throw new ConfigException($"{_source.File}:{number}: expected a name, the SHA-256 of a key as 64 hexadecimal digits and its roles, found {found}. "
            + "Make a new key with the verb 'key', write the line that it prints there, and give the key to the client.");
    }

    private sealed record Entry(Caller Caller, byte[] Hash);
}
