using System.Text.Json;
using Vlm.Escalation.Errors;

namespace Vlm.Escalation.Chat;

/// <summary>What the messages of a request come to.</summary>
/// <param name="Text">The text of the user's messages, one part per line.</param>
/// <param name="Picture">The one picture's file.</param>
internal sealed record MessageContent(string Text, byte[] Picture);

/// <summary>
/// Reads <c>messages</c>: one question, that is the user's text and one picture. Instructions (system, developer) are accepted and have no effect, for the
/// model knows its one task; a conversation is refused, for it could not be continued.
/// </summary>
internal static class MessageReader
{
    private const int MaxMessages = 64;
    private const int MaxParts = 64;

    public static MessageContent Read(JsonElement body, int maxPixels)
    {
        if (!body.TryGetProperty("messages", out var messages) || messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() is 0 or > MaxMessages)
            throw new ApiException(ErrorReason.InvalidRequest, $"'messages' must be an array of 1 to {MaxMessages} messages.", "messages");
        var parts = new List<(string Path, JsonElement Part)>();
        foreach (var (i, message) in messages.EnumerateArray().Index())
        {
            var path = $"messages[{i}]";
            if (Role(message, path) == "user") parts.AddRange(Parts(message, path));
        }
        if (parts.Count > MaxParts) throw new ApiException(ErrorReason.InvalidRequest, $"The messages have {parts.Count} parts; at most {MaxParts} are read.", "messages");

        var pictures = parts.Where(part => Type(part) == "image_url").ToArray();
        if (pictures.Length != 1)
        {
            throw new ApiException(ErrorReason.InvalidRequest,
                $"The user's messages have {pictures.Length} pictures; exactly one is needed, as a part of type image_url whose url is 'data:image/png;base64,…'.", "messages");
        }
        var text = string.Join('\n', parts.Where(part => Type(part) == "text").Select(Text));
        return new MessageContent(text, Picture(pictures[0], maxPixels));
    }

    private static string Role(JsonElement message, string path)
    {
        if (message.ValueKind != JsonValueKind.Object || !message.TryGetProperty("role", out var role) || role.ValueKind != JsonValueKind.String)
            throw new ApiException(ErrorReason.InvalidRequest, $"{path} must be an object with a role.", path);
        return role.GetString() switch
        {
            "user" => "user",
            "system" => "system",
            "developer" => "developer",
            _ => throw new ApiException(ErrorReason.InvalidRequest, $"{path}.role must be user, system or developer: this model answers single questions, not conversations.", $"{path}.role"),
        };
    }

    /// <summary>The parts of a message; plain text is one part.</summary>
    private static IEnumerable<(string Path, JsonElement Part)> Parts(JsonElement message, string path)
    {
        path += ".content";
        if (!message.TryGetProperty("content", out var content)) throw new ApiException(ErrorReason.InvalidRequest, $"{path} is missing.", path);
        return content.ValueKind switch
        {
            JsonValueKind.String => [(path, content)],
            JsonValueKind.Array => content.EnumerateArray().Select((part, i) => ($"{path}[{i}]", part)),
            _ => throw new ApiException(ErrorReason.InvalidRequest, $"{path} must be text or an array of parts.", path),
        };
    }

    private static string Type((string Path, JsonElement Part) part)
    {
        if (part.Part.ValueKind == JsonValueKind.String) return "text";
        if (part.Part.ValueKind == JsonValueKind.Object && part.Part.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String
            && type.GetString() is "text" or "image_url")
        {
            return type.GetString()!;
        }
        throw new ApiException(ErrorReason.InvalidRequest, $"{part.Path} must be a part of type text or image_url.", $"{part.Path}.type");
    }

    private static string Text((string Path, JsonElement Part) part)
    {
        if (part.Part.ValueKind == JsonValueKind.String) return part.Part.GetString()!;
        if (part.Part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String) return text.GetString()!;
        throw new ApiException(ErrorReason.InvalidRequest, $"{part.Path}.text must be a string.", $"{part.Path}.text");
    }

    /// <summary>The picture; <c>detail</c> has no effect, for the model has one size.</summary>
    private static byte[] Picture((string Path, JsonElement Part) part, int maxPixels)
    {
        var path = $"{part.Path}.image_url.url";
        if (part.Part.TryGetProperty("image_url", out var image) && image.ValueKind == JsonValueKind.Object
            && image.TryGetProperty("url", out var url) && url.ValueKind == JsonValueKind.String)
        {
            return PictureData.Read(url.GetString()!, maxPixels, path);
        }
        throw new ApiException(ErrorReason.InvalidRequest, $"{path} must be a data URI.", path);
    }
}
