using System.Text.Json;
using Vlm.Cryptogram;
using Vlm.Hosting.Http;

namespace Vlm.Hosting.Chat;

/// <summary>What a request is checked against.</summary>
/// <param name="Model">The name that is served.</param>
/// <param name="MaxPixels">Pixels of a picture at most.</param>
/// <param name="Seed">The seed of a request that gives none.</param>
public sealed record ChatRules(string Model, int MaxPixels, ulong Seed)
{
    /// <summary>Whether earlier turns of a conversation are read over, and its last question answered; else conversations are refused.</summary>
    public bool TakesConversations { get; init; }

    /// <summary>Whether the model decodes at one's bidding: sampling, length and log-probabilities. Else what would change the answer is refused.</summary>
    public bool IsSteerable { get; init; } = true;
}

/// <summary>
/// From the JSON of <c>POST /v1/chat/completions</c> to a question. Every parameter is honoured, known to change nothing here, or refused by name:
/// none is ignored silently.
/// </summary>
public static class ChatRequestReader
{
    private const int MaxTopLogprobs = 20;

    // Bookkeeping of the hosted interface: it does not change an answer.
    private static readonly HashSet<string> WithoutEffect =
        ["user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "parallel_tool_calls", "verbosity"];

    // Of vLLM, which some clients always send; none of these changes what comes back here.
    private static readonly HashSet<string> Harmless =
    [
        "skip_special_tokens", "spaces_between_special_tokens", "include_stop_str_in_output", "add_generation_prompt", "continue_final_message", "priority",
        "request_id", "detokenize", "cache_salt",
    ];

    // Of the interface, but for other models. Their neutral values (null, false, 0, empty) are accepted.
    private static readonly HashSet<string> Unsupported =
    [
        "tools", "tool_choice", "functions", "function_call", "stop", "logit_bias", "frequency_penalty", "presence_penalty", "audio", "prediction",
        "web_search_options", "reasoning_effort", "ignore_eos", "min_tokens", "stop_token_ids", "bad_words", "echo", "use_beam_search", "best_of",
        "length_penalty", "repetition_penalty", "top_k", "min_p", "return_tokens_as_token_ids", "truncate_prompt_tokens", "prompt_logprobs",
        "allowed_token_ids",
        "chat_template", "chat_template_kwargs", "mm_processor_kwargs", "documents", "guided_json", "guided_regex", "guided_choice", "guided_grammar",
        "guided_decoding_backend", "structured_outputs", "logits_processors",
    ];

    // A factor or a count that changes nothing at 1; of these two only what is far from the greedy choice is cut off.
    private static readonly HashSet<string> NeutralAtOne = ["length_penalty", "repetition_penalty", "best_of"], CutTheTail = ["top_k", "min_p"];

    /// <summary>Checks a request.</summary>
    /// <exception cref="ApiException">It cannot be answered; the error names the parameter.</exception>
    public static ChatRequest Read(JsonElement body, ChatRules rules)
    {
        if (body.ValueKind != JsonValueKind.Object) throw Wrong("The body", "an object", body, null);
        CheckNames(body);
        CheckTail(body);
        CheckModel(body, rules);
        var messages = MessageReader.Read(body, rules);
        var request = new ChatRequest(CodeOf(messages.Text), messages.Picture, Settings(body, rules));
        if (!rules.IsSteerable) CheckUnsteered(request);
        return request;
    }

    /// <summary>What would make another answer of the greedy and whole one.</summary>
    private static void CheckUnsteered(ChatRequest request)
    {
        var settings = request.Settings;
        if (settings.WithLogprobs) throw Refused("logprobs", "Log-probabilities cannot be told here. Leave logprobs out.");
        if (settings.Sampling.Temperature > 0) throw Refused("temperature", "The answer here is the likeliest one: temperature can only be 0. Leave it out.");
        // A token a letter at most.
        var longest = request.Code.Length / 2 + 1;
        if (settings.MaxTokens < longest)
            throw Refused("max_tokens", $"The answer here is given whole, up to {longest} tokens: max_tokens can be no less. Leave it out.");
    }

    private static void CheckTail(JsonElement body)
    {
        foreach (var name in CutTheTail)
        {
            if (!body.TryGetProperty(name, out var value) || IsNeutral(name, value) || Real(body, "temperature", 0, 2) is null or 0) continue;
            throw Refused(name, $"This model cannot honour {name} together with a temperature. Leave one of them out.");
        }
    }

    /// <summary>The coded message in its normal form.</summary>
    private static string CodeOf(string text)
    {
        var found = CodeInText.Find(text) ?? throw new ApiException(
            ErrorReason.UnusableCode,
                "The text has no coded message: expected single letters separated by spaces, with _ between words, like 'q x _ a y f', at its end.",
                "messages");
        try
        {
            return Code.Parse(found);
        }
        catch (CodeException e)
        {
            throw new ApiException(ErrorReason.UnusableCode, $"The coded message cannot be used: {e.Message}.", "messages");
        }
    }

    private static void CheckNames(JsonElement body)
    {
        foreach (var property in body.EnumerateObject())
        {
            switch (property.Name)
            {
                case "model" or "messages" or "max_tokens" or "max_completion_tokens" or "temperature" or "top_p" or "seed":
                case "logprobs" or "top_logprobs" or "stream":
                case var name when WithoutEffect.Contains(name) || Harmless.Contains(name):
                    break;
                case var name when CutTheTail.Contains(name) && property.Value.ValueKind == JsonValueKind.Number:
                    // Cutting the tail of a greedy choice changes nothing: see CheckTail.
                    break;
                case "n":
                    if (Integer(property.Value, "n", 1, 128) is > 1) throw Refused("n", "This server gives one choice per request; n can only be 1.");
                    break;
                case "response_format":
                    CheckFormat(property.Value);
                    break;
                case "modalities":
                    if (!IsTextOnly(property.Value)) throw Refused("modalities", "This model answers in text alone: modalities can only be [\"text\"].");
                    break;
                case "stream_options":
                    CheckStreamOptions(property.Value);
                    break;
                case var name when Unsupported.Contains(name):
                    if (!IsNeutral(name, property.Value)) throw Refused(name, $"This model cannot honour {name}. Leave it out.");
                    break;
                default:
                    throw new ApiException(ErrorReason.UnknownParameter, $"There is no parameter '{Shown(property.Name)}'. Leave it out.",
                        Shown(property.Name));
            }
        }
    }

    private static ChatSettings Settings(JsonElement body, ChatRules rules)
    {
        var withLogprobs = Flag(body, "logprobs");
        var topLogprobs = (int?)Number(body, "top_logprobs", 0, MaxTopLogprobs);
        if (topLogprobs > 0 && !withLogprobs) throw new ApiException(ErrorReason.InvalidRequest, "top_logprobs needs logprobs: true.", "top_logprobs");
        var isStream = Flag(body, "stream");
        var hasOptions = body.TryGetProperty("stream_options", out var options) && options.ValueKind == JsonValueKind.Object;
        if (hasOptions && !isStream) throw new ApiException(ErrorReason.InvalidRequest, "stream_options needs stream: true.", "stream_options");
        var newer = (int?)Number(body, "max_completion_tokens", 1, int.MaxValue);
        var older = (int?)Number(body, "max_tokens", 1, int.MaxValue);
        if (newer is not null && older is not null && newer != older)
        {
            throw new ApiException(ErrorReason.InvalidRequest, $"max_tokens is {older} and max_completion_tokens {newer}: give one, or the same twice.",
                "max_tokens");
        }
        return new ChatSettings
        {
            MaxTokens = newer ?? older,
            Sampling = new()
            {
                Temperature = Real(body, "temperature", 0, 2) ?? 0,
                TopP = Real(body, "top_p", double.Epsilon, 1) ?? 1,
                Seed = Number(body, "seed", long.MinValue, long.MaxValue) is { } seed ? unchecked((ulong)seed) : rules.Seed,
            },
            WithLogprobs = withLogprobs,
            TopLogprobs = topLogprobs ?? 0,
            IsStream = isStream,
            IncludeUsage = hasOptions && Flag(options, "include_usage"),
        };
    }

    private static void CheckModel(JsonElement body, ChatRules rules)
    {
        if (!body.TryGetProperty("model", out var model) || model.ValueKind != JsonValueKind.String)
            throw new ApiException(ErrorReason.InvalidRequest, $"'model' must be the name of a model. This server has '{rules.Model}'.", "model");
        if (model.GetString() is var name && name != rules.Model)
            throw new ApiException(ErrorReason.ModelNotFound, $"There is no model '{Shown(name!)}' here. This server has '{rules.Model}'.", "model");
    }

    private static void CheckFormat(JsonElement format)
    {
        if (format.ValueKind == JsonValueKind.Null) return;
        if (format.ValueKind != JsonValueKind.Object || !format.TryGetProperty("type", out var type) || type.ValueKind != JsonValueKind.String)
            throw Wrong("'response_format'", "an object with a type", format, "response_format");
        if (type.GetString() != "text")
        {
            throw Refused("response_format",
            $"This model writes text; response_format '{Shown(type.GetString()!)}' cannot be honoured.");
        }
    }

    private static void CheckStreamOptions(JsonElement options)
    {
        if (options.ValueKind == JsonValueKind.Null) return;
        if (options.ValueKind != JsonValueKind.Object) throw Wrong("'stream_options'", "an object", options, "stream_options");
        foreach (var property in options.EnumerateObject())
        {
            // Padding against traffic analysis: a request for it would not be kept, so only its absence can be promised.
            if (property.Name == "include_obfuscation" && property.Value.ValueKind is JsonValueKind.False or JsonValueKind.Null) continue;
            if (property.Name != "include_usage")
                throw Refused($"stream_options.{Shown(property.Name)}", $"stream_options.{Shown(property.Name)} cannot be honoured. Leave it out.");
        }
    }

    private static bool IsTextOnly(JsonElement modalities) => modalities.ValueKind == JsonValueKind.Null
        || modalities.ValueKind == JsonValueKind.Array
            && modalities.EnumerateArray().All(each => each.ValueKind == JsonValueKind.String && each.GetString() == "text");

    private static bool IsNeutral(string name, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        JsonValueKind.Number => value.TryGetDouble(out var number) && (number == (NeutralAtOne.Contains(name) ? 1 : 0) || (name == "top_k" && number == -1)),
        JsonValueKind.String => name is "tool_choice" or "function_call" or "reasoning_effort" && value.GetString() == "none",
        _ => false,
    };

    private static bool Flag(JsonElement body, string name)
    {
        if (!body.TryGetProperty(name, out var value)) return false;
        return value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False or JsonValueKind.Null => false,
            _ => throw Wrong($"'{name}'", "true or false", value, name),
        };
    }

    private static long? Number(JsonElement body, string name, long least, long most) =>
        body.TryGetProperty(name, out var value) ? Integer(value, name, least, most) : null;

    private static long? Integer(JsonElement value, string name, long least, long most)
    {
        if (value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= least && number <= most) return number;
        throw Wrong($"'{name}'", $"a whole number from {least} to {most}", value, name);
    }

    private static double? Real(JsonElement body, string name, double least, double most)
    {
        if (!body.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= least && number <= most) return number;
        throw Wrong($"'{name}'", least > 0 ? $"a number above 0 and at most {most}" : $"a number from {least} to {most}", value, name);
    }

    private static ApiException Refused(string name, string message) => new(ErrorReason.UnsupportedParameter, message, name);

    private static ApiException Wrong(string what, string expected, JsonElement found, string? parameter) =>
        new(ErrorReason.InvalidRequest, $"{what} must be {expected}, not {Shown(found.GetRawText())}.", parameter);

    /// <summary>What a client sent, short enough to send back.</summary>
    private static string Shown(string text) => text.Length <= 60 ? text : text[..60] + "…";
}
