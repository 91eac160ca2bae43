using System.Security.Cryptography;
using System.Text;
using Vlm.Escalation.Settings;

namespace Vlm.Escalation.Keys;

/// <summary>The keys that are let in: names and SHA-256 hashes. The file is read again when it changes, so keys are exchanged without a restart.</summary>
internal sealed class ApiKeys
{
    // A file that is looked at for every request would be a cost; one second is soon enough to lock somebody out.
    private static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(1);
    private const int MaxKeys = 10_000;

    private readonly KeyOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<ApiKeys> _log;
    private readonly Entry[] _fixed;
    private readonly Lock _gate = new();
    private Entry[] _keys;
    private DateTime _written;
    private long _checked;

    /// <summary>Reads the keys.</summary>
    /// <exception cref="SettingsException">Keys are required and there are none, or the file is not one of keys.</exception>
    public ApiKeys(KeyOptions options, TimeProvider time, ILogger<ApiKeys> log)
    {
        (_options, _time, _log) = (options, time, log);
        _fixed = [.. (Environment.GetEnvironmentVariable(options.Environment) ?? "")
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select((key, i) => new Entry($"{options.Environment}[{i}]", Hash(key)))];
        _written = Written();
        _keys = [.. _fixed, .. ReadFile()];
        _checked = time.GetTimestamp();
        if (options.Required && _keys.Length == 0)
        {
            throw new SettingsException(
                $"No API keys: keys.file names none and the environment variable {options.Environment} is empty. Make one with the verb 'key', or say keys.required: false.");
        }
    }

    /// <summary>Whether somebody without a key is sent away.</summary>
    public bool IsRequired => _options.Required;

    /// <summary>Whose key it is, or null. The time it takes does not depend on how much of a key is right.</summary>
    public string? NameOf(string? key)
    {
        if (string.IsNullOrEmpty(key)) return null;
        var hash = Hash(key);
        string? name = null;
        foreach (var entry in Current())
        {
            if (CryptographicOperations.FixedTimeEquals(entry.Hash, hash)) name = entry.Name;
        }
        return name;
    }

    /// <summary>SHA-256 of a key.</summary>
    public static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private Entry[] Current()
    {
        lock (_gate)
        {
            if (_options.File is null || _time.GetElapsedTime(_checked) < CheckEvery) return _keys;
            _checked = _time.GetTimestamp();
            var written = Written();
            if (written == _written) return _keys;
            try
            {
                _keys = [.. _fixed, .. ReadFile()];
                _written = written;
                _log.KeysRead(_keys.Length);
            }
            catch (Exception e) when (e is SettingsException or IOException or UnauthorizedAccessException)
            {
                // Half-written or gone: the keys that were read last stay in force, and the next look tries again.
                _log.KeysUnreadable(e.Message);
            }
            return _keys;
        }
    }

    private DateTime Written() => _options.File is null ? default : File.GetLastWriteTimeUtc(_options.File);

    private IEnumerable<Entry> ReadFile()
    {
        if (_options.File is null) return [];
        if (!File.Exists(_options.File)) throw new SettingsException($"The key file '{_options.File}' does not exist. Make a key with the verb 'key' and write the line it prints there.");
        var lines = File.ReadAllLines(_options.File);
        if (lines.Length > MaxKeys) throw new SettingsException($"'{_options.File}' has {lines.Length} lines; at most {MaxKeys} are read.");
        return [.. lines.Index().Where(line => line.Item.Trim() is { Length: > 0 } text && text[0] != '#').Select(line => Parse(line.Item, line.Index + 1))];
    }

    private Entry Parse(string line, int number)
    {
        var parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 2 && parts[1].Length == 64 && parts[1].All(char.IsAsciiHexDigit)) return new Entry(parts[0], Convert.FromHexString(parts[1]));
        throw new SettingsException($"{_options.File}:{number}: expected a name and the SHA-256 of a key as 64 hexadecimal digits, as the verb 'key' prints them.");
    }

    private sealed record Entry(string Name, byte[] Hash);
}
