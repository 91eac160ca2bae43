using System.Text.Json;
using Vlm.Hosting.Http;

namespace Vlm.Hosting.Chat;

/// <summary>The question in the messages of a request.</summary>
/// <param name="Text">The text of the user's messages, one part per line.</param>
/// <param name="Picture">The one picture's file.</param>
public sealed record MessageContent(string Text, byte[] Picture);

/// <summary>
/// Reads <c>messages</c>: one question, that is the user's text and one picture. Instructions (system, developer) are accepted and have no effect, for the
/// model knows its one task. A conversation could not be continued: by the rules it is refused, or its last question is answered as if it were the first.
/// </summary>
public static class MessageReader
{
    private const int MaxMessages = 64;
    private const int MaxParts = 64;

    public static MessageContent Read(JsonElement body, ChatRules rules)
    {
        if (!body.TryGetProperty("messages", out var messages) || messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() is 0 or > MaxMessages)
            throw new ApiException(ErrorReason.InvalidRequest, $"'messages' must be an array of 1 to {MaxMessages} messages.", "messages");
        var users = messages.EnumerateArray().Select((message, i) => (Path: $"messages[{i}]", Message: message))
            .Where(message => IsUsers(message, rules)).ToArray();
        if (rules.TakesConversations) users = users[^Math.Min(1, users.Length)..];
        var parts = users.SelectMany(message => Parts(message.Message, message.Path)).ToArray();
        if (parts.Length > MaxParts)
            throw new ApiException(ErrorReason.InvalidRequest, $"The messages have {parts.Length} parts; at most {MaxParts} are read.", "messages");

        var pictures = parts.Where(part => Type(part) == "image_url").ToArray();
        if (pictures.Length != 1)
        {
            throw new ApiException(ErrorReason.InvalidRequest,
                $"The user's messages have {pictures.Length} pictures; exactly one is needed: a part of type image_url whose url is 'data:image/png;base64,…'.",
                "messages");
        }
        var text = string.Join('\n', parts.Where(part => Type(part) == "text").Select(Text));
        return new MessageContent(text, Picture(pictures[0], rules.MaxPixels));
    }

    private static bool IsUsers((string Path, JsonElement Message) message, ChatRules rules)
    {
        var (path, element) = message;
        if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty("role", out var role) || role.ValueKind != JsonValueKind.String)
            throw new ApiException(ErrorReason.InvalidRequest, $"{path} must be an object with a role.", path);
        return role.GetString() switch
        {
            "user" => true,
            "system" or "developer" => false,
            "assistant" when rules.TakesConversations => false,
            _ when rules.TakesConversations =>
                throw new ApiException(ErrorReason.InvalidRequest, $"{path}.role must be user, assistant, system or developer.", $"{path}.role"),
            _ => throw new ApiException(
                ErrorReason.InvalidRequest, $"{path}.role must be user, system or developer: this model answers single questions, not conversations.",
                    $"{path}.role"),
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
            return PictureFile.CheckHeader(PictureFile.FromDataUri(url, path), maxPixels, path);
        }
        throw new ApiException(ErrorReason.InvalidRequest, $"{path} must be a data URI.", path);
    }
}
