using System.Text.Json;
using System.Text.Unicode;
using Vlm.Files;

namespace Vlm.Model;

/// <summary>One JSON object of a model file, read field by field; what is wrong is collected, so that one error can name it all.</summary>
internal sealed class JsonFields(JsonElement element, string where, List<string> problems)
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n" };

    /// <summary>Opens a file whose root is a JSON object.</summary>
    /// <exception cref="CheckpointException">Missing, unreadable or something else.</exception>
    public static JsonDocument Open(string path)
    {
        try
        {
            byte[] bytes = File.ReadAllBytes(path);
            if (LfsPointer.IsStartOf(bytes))
                throw new CheckpointException($"{path} {LfsPointer.Problem}.");
            // Names and texts are decoded one by one and later, with an exception of another kind.
            if (!Utf8.IsValid(bytes))
                throw new CheckpointException($"{path} is not JSON (it holds bytes that are no UTF-8). Is the download complete?");
            JsonDocument document = JsonDocument.Parse(bytes);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return document;
            document.Dispose();
        }
        catch (JsonException error)
        {
            throw new CheckpointException($"{path} is not JSON ({error.Message}) Is the download complete?", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path} cannot be read: {error.Message}", error);
        }
        throw new CheckpointException($"{path} must hold a JSON object.");
    }

    /// <summary>Writes an object, whole or not at all.</summary>
    public static void Save(string path, Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Indented))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        AtomicFile.Write(path, bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }

    public static void Write(Utf8JsonWriter json, string name, IEnumerable<float> values)
    {
        json.WriteStartArray(name);
        foreach (float value in values)
            json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    public static void Write(Utf8JsonWriter json, string name, IEnumerable<int> values)
    {
        json.WriteStartArray(name);
        foreach (int value in values)
            json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    /// <summary>Whether the field is there and not null.</summary>
    public bool Has(string name) => element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null;

    public IEnumerable<string> Names => element.EnumerateObject().Select(entry => entry.Name);

    /// <summary>A nested object, or null when it is absent.</summary>
    public JsonFields? Section(string name)
    {
        if (!Has(name))
            return null;
        JsonElement value = element.GetProperty(name);
        if (value.ValueKind == JsonValueKind.Object)
            return new JsonFields(value, $"{where}{name}.", problems);
        Wrong(name, "an object");
        return null;
    }

    public int Int(string name, int? fallback = null) => Read(name, fallback, "a whole number", Whole);

    public double Number(string name, double? fallback = null) =>
        Read<double>(name, fallback, "a number", value => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) ? number : null);

    public bool Bool(string name, bool? fallback = null) =>
        Read<bool>(name, fallback, "true or false", value => value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : null);

    public string Text(string name, string fallback)
    {
        if (!Has(name))
            return fallback;
        JsonElement value = element.GetProperty(name);
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString()!;
        Wrong(name, "a string");
        return fallback;
    }

    /// <summary>A list of whole numbers; a single number counts as a list of one.</summary>
    public int[] Ints(string name)
    {
        if (Has(name) && element.GetProperty(name).ValueKind == JsonValueKind.Number)
            return [Int(name)];
        return List(name, "whole numbers", Whole);
    }

    public long[] Longs(string name) =>
        List<long>(name, "whole numbers", value => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number : null);

    public float[] Floats(string name) =>
        List<float>(name, "numbers", value => value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out float number) ? number : null);

    /// <summary>Complains when the field is there with another value.</summary>
    public void MustBe(string name, bool expected)
    {
        if (Bool(name, expected) != expected)
            problems.Add($"'{where}{name}' is {(!expected ? "true" : "false")}; only {(expected ? "true" : "false")} is supported");
    }

    /// <summary>Complains when the field is there with another text.</summary>
    public void MustBe(string name, params string[] expected)
    {
        string found = Text(name, expected[0]);
        if (!expected.Contains(found))
            problems.Add($"'{where}{name}' is '{found}'; only '{string.Join("' or '", expected)}' is supported");
    }

    private static int? Whole(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : null;

    private T Read<T>(string name, T? fallback, string kind, Func<JsonElement, T?> read)
        where T : struct
    {
        if (!Has(name))
        {
            if (fallback is null)
                problems.Add($"'{where}{name}' is missing");
            return fallback.GetValueOrDefault();
        }
        if (read(element.GetProperty(name)) is T result)
            return result;
        Wrong(name, kind);
        return fallback.GetValueOrDefault();
    }

    private T[] List<T>(string name, string kind, Func<JsonElement, T?> read)
        where T : struct
    {
        if (!Has(name))
        {
            problems.Add($"'{where}{name}' is missing");
            return [];
        }
        JsonElement list = element.GetProperty(name);
        T?[] values = list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(read)]
            : [null];
        if (values.All(value => value is not null))
            return [.. values.Select(value => value!.Value)];
        Wrong(name, $"a list of {kind}");
        return [];
    }

    private void Wrong(string name, string expected)
    {
        string found = element.GetProperty(name).GetRawText();
        problems.Add($"'{where}{name}' must be {expected}; it is {(found.Length > 60 ? found[..60] + "…" : found)}");
    }
}
