using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Vlm.Export.Package;

/// <summary>
/// JSON as ONNX Runtime GenAI's strict readers take it: no byte order mark, no <c>\u</c> escapes, real numbers never written like whole ones.
/// </summary>
internal static class PackageJson
{
    private static readonly JsonWriterOptions Options = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(string path, Action<Utf8JsonWriter> body)
    {
        using var stream = File.Create(path);
        using (var json = new Utf8JsonWriter(stream, Options))
        {
            Object(json, null, () => body(json));
        }

        stream.WriteByte((byte)'\n');
    }

    public static void Object(Utf8JsonWriter json, string? name, Action body)
    {
        if (name is not null) json.WritePropertyName(name);
        json.WriteStartObject();
        body();
        json.WriteEndObject();
    }

    public static void Array(Utf8JsonWriter json, string name, Action body)
    {
        json.WriteStartArray(name);
        body();
        json.WriteEndArray();
    }

    /// <summary>A number that a strict reader must see as a real one: 1 is written 1.0.</summary>
    public static string Real<T>(T value)
        where T : struct, IFormattable
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        return text.AsSpan().ContainsAny('.', 'E') ? text : text + ".0";
    }
}
