using System.Buffers;
using System.Text.Json;

namespace Vlm.Edge.Escalations;

/// <summary>The body of a chat completion with one picture. The same question always gives the same bytes: its key belongs to one body.</summary>
internal static class ChatRequest
{
    private const string Instructions = """
        The picture is a decoder: each pair shows a coded letter, an arrow, and the letter it stands for.
        Use it to decode the coded message at the end of this text. The result is one or more English words; "_" in the message is a space between words.
        Write your reasoning inside <think> </think> tags. Inside them, write the decoded letters in order inside <chars> </chars> tags, separated by
        spaces, with "_" where there is a space. Then write the decoded message inside <answer> </answer> tags, in lower case.
        For example, if "a b c _ d e f" decodes to "cat dog", your reply ends with:
        <chars> c a t _ d o g</chars>
        </think>
        <answer>cat dog</answer>
        Check every letter against the picture. The coded message is:
        """;

    private const string JsonInstructions = """
        The picture is a decoder: each pair shows a coded letter, an arrow, and the letter it stands for.
        Use it to decode the coded message at the end of this text. The result is one or more English words; "_" in the message is a space between words.
        Reply with a JSON object: "chars" holds the decoded letters in order, separated by spaces, with "_" where there is a space; "answer" holds the decoded
        message in lower case. For example, if "a b c _ d e f" decodes to "cat dog", reply {"chars": "c a t _ d o g", "answer": "cat dog"}.
        Check every letter against the picture. The coded message is:
        """;

    /// <summary>The body, as UTF-8.</summary>
    public static byte[] Body(Escalation escalation, EndpointOptions endpoint)
    {
        var buffer = new ArrayBufferWriter<byte>((escalation.Picture.Length / 3 * 4) + 2048);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("model", endpoint.Model);
        Messages(json, escalation, endpoint);
        json.WriteNumber("temperature", 0);
        json.WriteBoolean("stream", false);
        if (endpoint.TokenLimit != TokenLimitField.MaxTokens) json.WriteNumber("max_completion_tokens", endpoint.MaxTokens);
        if (endpoint.TokenLimit != TokenLimitField.MaxCompletionTokens) json.WriteNumber("max_tokens", endpoint.MaxTokens);
        if (endpoint.Logprobs) json.WriteBoolean("logprobs", true);
        if (endpoint.StructuredOutput == StructuredOutput.JsonSchema) Schema(json);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static void Messages(Utf8JsonWriter json, Escalation escalation, EndpointOptions endpoint)
    {
        json.WriteStartArray("messages");
        json.WriteStartObject();
        json.WriteString("role", "user");
        json.WriteStartArray("content");
        json.WriteStartObject();
        json.WriteString("type", "image_url");
        json.WriteStartObject("image_url");
        var type = escalation.Picture is [0xFF, 0xD8, ..] ? "jpeg" : "png";
        json.WriteString("url", $"data:image/{type};base64,{Convert.ToBase64String(escalation.Picture)}");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartObject();
        json.WriteString("type", "text");
        json.WriteString("text", Text(escalation.Code, endpoint));
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static string Text(string code, EndpointOptions endpoint) => endpoint switch
    {
        { Prompt: PromptDialect.Code } => code,
        { StructuredOutput: StructuredOutput.JsonSchema } => $"{JsonInstructions} {code}",
        _ => $"{Instructions} {code}",
    };

    private static void Schema(Utf8JsonWriter json)
    {
        json.WritePropertyName("response_format");
        json.WriteRawValue("""
            {"type":"json_schema","json_schema":{"name":"decoded","strict":true,"schema":{"type":"object","properties":{"chars":{"type":"string"},
            "answer":{"type":"string"}},"required":["chars","answer"],"additionalProperties":false}}}
            """);
    }
}
