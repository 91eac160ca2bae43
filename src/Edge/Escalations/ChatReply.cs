using System.Text.Json;
using System.Text.Json.Serialization;
using Vlm.Cryptogram;

namespace Vlm.Edge.Escalations;

/// <summary>From the body of a 200 to an answer that may be used, or the reason why not. Pure.</summary>
internal static class ChatReply
{
    /// <summary>Reads and checks a body.</summary>
    public static Attempt Read(ReadOnlySpan<byte> body, string code, EndpointOptions endpoint)
    {
        ChatCompletion? completion;
        try
        {
            completion = JsonSerializer.Deserialize(body, ChatJson.Default.ChatCompletion);
        }
        catch (JsonException error)
        {
            return AttemptRules.Garbage($"expected the JSON of a chat completion, found {body.Length} bytes that are none: {error.Message}");
        }

        if (completion?.Choices is not [{ } choice]) return AttemptRules.Garbage($"expected one choice, found {completion?.Choices?.Count ?? 0}");
        // A reply that was cut off looks like one that is only wrong; the finish reason is all that tells.
        if (choice.FinishReason != "stop") return AttemptRules.Unusable($"expected finish_reason \"stop\", found \"{Short(choice.FinishReason) ?? "null"}\"");
        if (choice.Message?.Content is not { Length: > 0 } content) return AttemptRules.Unusable("expected a message with content, found none");
        var strict = Checked(Parsed(content, endpoint), code, completion, choice);
        if (strict is Attempt.Answered || !endpoint.TakesOtherForms) return strict;
        // Of what may be the answer the first that can be right for this code; a wrong one is as unlikely to be taken as it is to fit every letter.
        return LenientReply.Candidates(content)
            .Select(candidate => Checked(new ReplyResult.Reply([], Message.Spaced(candidate), candidate), code, completion, choice))
            .OfType<Attempt.Answered>().FirstOrDefault() ?? strict;
    }

    private static Attempt Checked(ReplyResult reply, string code, ChatCompletion completion, ChatChoice choice)
    {
        if (reply is not ReplyResult.Reply parsed) return AttemptRules.Unusable($"the reply cannot be read: {((ReplyResult.ParseFailure)reply).Detail}");
        var failures = Verifiers.Check(reply, code).HardFailures;
        return failures.Count > 0
            ? AttemptRules.Unusable($"the answer '{Short(parsed.Answer)}' cannot be right for the code '{code}': {string.Join(", ", failures)}")
            : new Attempt.Answered(parsed.Answer.ToLowerInvariant(), Short(completion.Model) ?? "", Confidence(choice))
            {
                Status = Status(parsed, completion.Reading),
                Calibrated = completion.Reading?.Confidence is >= 0 and <= 1 and var said ? said : null,
                IsCertified = completion.Reading?.Certified == true,
            };
    }

    /// <summary>Letters that are not given are not seen, whatever the endpoint says; only that nothing at all is seen takes its word.</summary>
    private static AnswerStatus Status(ReplyResult.Reply reply, ChatReading? reading)
    {
        if (!reply.Answer.Contains(Message.Unseen, StringComparison.Ordinal)) return AnswerStatus.Answered;
        return reading?.Status == "no_decoder" ? AnswerStatus.NoDecoder : AnswerStatus.Unreadable;
    }

    private static ReplyResult Parsed(string content, EndpointOptions endpoint)
    {
        if (endpoint.StructuredOutput == StructuredOutput.JsonSchema) return FromJson(content);
        return content.StartsWith(ReplyText.Think.Open, StringComparison.Ordinal) ? ReplyParser.ParseWhole(content) : ReplyParser.Parse(content);
    }

    private static ReplyResult FromJson(string content)
    {
        try
        {
            if (JsonSerializer.Deserialize(content, ChatJson.Default.DecodedMessage) is { Answer.Length: > 0 } decoded)
                return new ReplyResult.Reply([], decoded.Chars ?? Message.Spaced(decoded.Answer), decoded.Answer.Trim());
        }
        catch (JsonException error)
        {
            return new ReplyResult.ParseFailure(ReplyFailure.MissingTag, $"expected a JSON object with \"answer\": {error.Message}");
        }

        return new ReplyResult.ParseFailure(ReplyFailure.EmptyAnswer, "expected a JSON object with \"answer\", found none");
    }

    /// <summary>The geometric mean of the token probabilities; null when the endpoint does not tell them.</summary>
    private static double? Confidence(ChatChoice choice) =>
        choice.Logprobs?.Content is { Count: > 0 } tokens ? Math.Exp(tokens.Average(token => Math.Min(0, token.Logprob))) : null;

    /// <summary>Foreign text in messages is bounded.</summary>
    private static string? Short(string? text) => text is { Length: > 120 } ? text[..120] + "…" : text;
}

internal sealed record ChatCompletion(string? Model, IReadOnlyList<ChatChoice?>? Choices, ChatReading? Reading = null);

internal sealed record ChatReading(string? Status, double? Confidence = null, bool? Certified = null);

internal sealed record ChatChoice(ChatMessage? Message, string? FinishReason, ChatLogprobs? Logprobs);

internal sealed record ChatMessage(string? Content);

internal sealed record ChatLogprobs(IReadOnlyList<ChatToken>? Content);

internal sealed record ChatToken(double Logprob);

internal sealed record DecodedMessage(string? Chars, string? Answer);

internal sealed record ChatError(ChatErrorBody? Error);

internal sealed record ChatErrorBody(string? Message);

/// <summary>Replies of other programs: members that are not read here are theirs to add.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, MaxDepth = 32)]
[JsonSerializable(typeof(ChatCompletion))]
[JsonSerializable(typeof(DecodedMessage))]
[JsonSerializable(typeof(ChatError))]
internal sealed partial class ChatJson : JsonSerializerContext;
