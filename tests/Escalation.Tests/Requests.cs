using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vlm.Vision;

namespace Vlm.Escalation.Tests;

/// <summary>Requests as clients send them.</summary>
internal static class Requests
{
    /// <summary>A small picture.</summary>
    public static byte[] Picture { get; } = ImageCodec.EncodePng(new RgbImage(224, 224, [.. Enumerable.Repeat((byte)255, 224 * 224 * 3)]));

    public static string Uri(byte[] file, string type = "image/png") => $"data:{type};base64,{Convert.ToBase64String(file)}";

    /// <summary>A good request with some members changed; null removes one.</summary>
    public static JsonObject Body(object? changes = null, string text = "Decode: q x", string? picture = null)
    {
        var body = new JsonObject
        {
            ["model"] = "scripted",
            ["messages"] = new JsonArray(new JsonObject
            {
                ["role"] = "user",
                ["content"] = new JsonArray(
                    new JsonObject { ["type"] = "text", ["text"] = text },
                    new JsonObject { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = picture ?? Uri(Picture) } }),
            }),
        };
        if (changes is null) return body;
        foreach (var (name, value) in JsonSerializer.SerializeToNode(changes)!.AsObject()) body[name] = value?.DeepClone();
        return body;
    }

    public static ByteArrayContent Json(JsonNode body)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body.ToJsonString()));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }
}
