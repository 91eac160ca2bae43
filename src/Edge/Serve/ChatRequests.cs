using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Vlm.Cryptogram;
using Vlm.Edge.Queries;

namespace Vlm.Edge.Serve;

/// <summary>Makes a question of an OpenAI-shaped request: the last message of the user with a picture and a code in it.</summary>
/// <remarks>
/// Members that steer sampling (temperature, top_p, seed, …) are read over: the local answer is greedy, whatever they say. More than one answer, tools and other
/// things that would change what comes back are refused.
/// </remarks>
internal sealed class ChatRequests(SolveRequests requests, TimeProvider clock)
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    /// <returns>The question, and whether the answer is streamed.</returns>
    public async Task<(Query Query, bool IsStream)> ReadAsync(HttpRequest request)
    {
        var started = clock.GetTimestamp();
        if (!request.HasJsonContentType())
            throw new ApiError(StatusCodes.Status415UnsupportedMediaType, "content_type", $"the content type is '{request.ContentType}'; send application/json");
        using var body = await ParseAsync(request);
        var root = body.RootElement;
        if (root.ValueKind != JsonValueKind.Object) throw ApiError.BadRequest("the body is no JSON object");
        if (root.TryGetProperty("n", out var count) && !(count.ValueKind == JsonValueKind.Number && count.TryGetInt32(out var n) && n == 1))
            throw ApiError.BadRequest("n: one answer is given; leave it out");
        if (root.TryGetProperty("tools", out var tools) && tools is { ValueKind: JsonValueKind.Array } && tools.GetArrayLength() > 0)
            throw ApiError.BadRequest("tools: this box calls none");
        var (picture, text) = LastQuestion(root);
        var code = CodeInText.Find(text) ?? throw new ApiError(
            StatusCodes.Status422UnprocessableEntity, "code", "the text has no coded message: expected single letters separated by spaces, with _ between words, like 'q x _ a y f'");
        return (requests.Of(PictureFile.FromDataUri(picture), code, null, null, started), root.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True);
    }

    private static async Task<JsonDocument> ParseAsync(HttpRequest request)
    {
        try
        {
            return await JsonDocument.ParseAsync(request.Body, Strict, request.HttpContext.RequestAborted);
        }
        catch (JsonException e)
        {
            throw ApiError.BadRequest($"the body is not JSON: {e.Message}");
        }
    }

    private static (string Picture, string Text) LastQuestion(JsonElement root)
    {
        if (!root.TryGetProperty("messages", out var messages) || messages.ValueKind != JsonValueKind.Array) throw ApiError.BadRequest("messages: expected a list, found none");
        var user = messages.EnumerateArray().LastOrDefault(message => Text(message, "role") == "user");
        if (user.ValueKind != JsonValueKind.Object || !user.TryGetProperty("content", out var content) || content.ValueKind != JsonValueKind.Array)
            throw ApiError.BadRequest("messages: expected a user's message whose content is a list with an image_url and a text");
        var pictures = content.EnumerateArray().Where(part => Text(part, "type") == "image_url").Select(Url).ToArray();
        if (pictures.Length != 1) throw ApiError.BadRequest($"messages: expected one picture in the user's last message, found {pictures.Length}");
        var texts = content.EnumerateArray().Where(part => Text(part, "type") == "text").Select(part => Text(part, "text"));
        return (pictures[0], string.Join('\n', texts));
    }

    private static string Url(JsonElement part) =>
        part.TryGetProperty("image_url", out var image) && Text(image, "url") is { Length: > 0 } url ? url : throw ApiError.BadRequest("image_url: expected an object with url");

    private static string Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
