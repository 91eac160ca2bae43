using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Vlm.Files;
using Vlm.Hosting;

namespace Vlm.Edge.Routing;

/// <summary>A small state that outlives the process, as one JSON file that is replaced in one step.</summary>
/// <remarks>
/// A file that cannot be read is put aside and the state starts from zero; a state that cannot be written lives on in memory. Both are reported, neither stops
/// the service.
/// </remarks>
/// <param name="path">The file.</param>
/// <param name="type">How it is written.</param>
/// <param name="alarm">Hears what is wrong, and null when it is well again.</param>
internal sealed class StateFile<T>(string path, JsonTypeInfo<T> type, Action<string?> alarm)
    where T : class
{
    private bool _isTroubled;

    /// <summary>Null when there is none yet, or none that can be read.</summary>
    public T? Load()
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), type) : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            alarm($"'{path}' cannot be read and starts from zero: {e.Message}{PutAside()}");
            return null;
        }
    }

    public void Save(T state)
    {
        try
        {
            PrivateFiles.MakeFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
            AtomicFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(state, type));
            if (_isTroubled) alarm(null);
            _isTroubled = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _isTroubled = true;
            alarm($"'{path}' cannot be written, so a restart would forget it: {e.Message}");
        }
    }

    private string PutAside()
    {
        try
        {
            File.Move(path, path + ".unreadable", overwrite: true);
            return $" It is kept as '{path}.unreadable'.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    IgnoreReadOnlyProperties = true,
    WriteIndented = true)]
[JsonSerializable(typeof(BudgetState))]
[JsonSerializable(typeof(DriftState))]
internal sealed partial class RoutingJson : JsonSerializerContext;
