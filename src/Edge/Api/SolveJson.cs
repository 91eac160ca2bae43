using System.Text.Json;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;

namespace Vlm.Edge.Api;

/// <summary>Body of <c>POST /api/v1/solve</c> as JSON; as a form it has fields of the same names.</summary>
/// <param name="Picture">The file that the data URI holds.</param>
/// <param name="Code">The coded message; empty when it was left out.</param>
/// <param name="DeadlineMs">How long the client waits.</param>
/// <param name="Mode">One of the routing modes.</param>
internal sealed record SolveJson(byte[] Picture, string Code, double? DeadlineMs, string? Mode)
{
    /// <summary>Reads a body.</summary>
    /// <exception cref="ApiException">It is no JSON, or has other members than these.</exception>
    public static SolveJson Parse(ReadOnlyMemory<byte> body) => RequestBody.Parse(body, root =>
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw Wrong($"The body must be an object with picture and code, not {Said(root)}.", null);
        foreach (var member in root.EnumerateObject())
        {
            if (member.Name is not ("picture" or "code" or "deadline_ms" or "mode"))
            {
                var name = member.Name.Length > 60 ? member.Name[..60] + "…" : member.Name;
                throw new ApiException(ErrorReason.UnknownParameter, $"There is no member '{name}'; expected picture, code, deadline_ms and mode.", name);
            }
        }
        return new SolveJson(
            Find(root, "picture") is { } picture ? PictureFile.FromDataUri(picture, "picture")
                : throw Wrong("The member 'picture' is missing: a data URI such as 'data:image/png;base64,…'.", "picture"),
            Text(root, "code") ?? "",
            Number(root, "deadline_ms"),
            Text(root, "mode"));
    });

    /// <summary>A member that is text; null when it is not there.</summary>
    /// <exception cref="ApiException">It is something else, or the root is no object.</exception>
    public static string? Text(JsonElement root, string name) => Find(root, name)?.GetString();

    private static JsonElement? Find(JsonElement root, string name)
    {
        if (root.ValueKind != JsonValueKind.Object) throw Wrong($"The body must be an object, not {Said(root)}.", null);
        if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == JsonValueKind.String ? value : throw Wrong($"'{name}' must be a string, not {Said(value)}.", name);
    }

    private static double? Number(JsonElement root, string name)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number)
            ? number
            : throw Wrong($"'{name}' must be a number, not {Said(value)}.", name);
    }

    private static string Said(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => value.GetRawText(),
    };

    private static ApiException Wrong(string what, string? name) => new(ErrorReason.InvalidRequest, what, name);
}
