using System.Text.Json;
using System.Text.Json.Serialization;

namespace Vlm.Trainer.Config;

/// <summary>How configurations and states are read and written.</summary>
internal static class TrainJson
{
    public static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>Reads a file; its values are not checked yet.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it should be, with its article.</param>
    /// <exception cref="InvalidDataException">It is not that; the message says where.</exception>
    public static T Load<T>(string path, string what)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllText(path), Options)
                ?? throw new InvalidDataException($"{path}: expected an object, found null.");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{path}: not {what}: {error.Message}", error);
        }
    }

    /// <summary>Writes a configuration as it was understood, defaults included.</summary>
    public static void Save<T>(string path, T config) => File.WriteAllText(path, JsonSerializer.Serialize(config, Options) + "\n");
}
