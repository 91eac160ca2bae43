using System.Text.Json.Serialization;

namespace Vlm.Hosting.Chat;

/// <summary>A whole answer, as OpenAI's chat completions have it.</summary>
public record ChatCompletion(string Id, long Created, string Model, IReadOnlyList<CompletionChoice> Choices, Usage? Usage)
{
    /// <summary>What it is.</summary>
    public string Object { get; } = "chat.completion";

    /// <summary>Tells two sets of weights apart; absent where nobody says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SystemFingerprint { get; init; }

    /// <summary>What the picture let the model say; absent where the reply could not be read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Reading? Reading { get; init; }
}

/// <summary>What the picture let the model say.</summary>
/// <param name="Status">answered, unreadable or no_decoder.</param>
/// <param name="Unseen">The letters of the code that the picture does not show.</param>
public sealed record Reading(string Status, IReadOnlyList<char> Unseen)
{
    /// <summary>Calibrated probability that the answer is right, 0 to 1; left out by a model without a gate.</summary>
    public double? Confidence { get; init; }

    /// <summary>Whether the gate's certificate covers the answer; left out by a model without a gate.</summary>
    public bool? Certified { get; init; }
}

/// <summary>The one answer.</summary>
public sealed record CompletionChoice(int Index, AssistantMessage Message, LogprobList? Logprobs, string FinishReason);

/// <summary>Its text.</summary>
public sealed record AssistantMessage(string Content)
{
    /// <summary>Who speaks.</summary>
    public string Role { get; } = "assistant";

    /// <summary>Always null: what cannot be answered is an error.</summary>
    public string? Refusal { get; }
}

/// <summary>A piece of an answer.</summary>
public record ChatChunk(string Id, long Created, string Model, IReadOnlyList<ChunkChoice> Choices)
{
    /// <summary>What it is.</summary>
    public string Object { get; } = "chat.completion.chunk";

    /// <summary>Tells two sets of weights apart; absent where nobody says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SystemFingerprint { get; init; }

    /// <summary>What the picture let the model say; only in the last piece.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Reading? Reading { get; init; }

    /// <summary>Only in the last chunk, and only if asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Usage? Usage { get; init; }
}

/// <summary>What a chunk adds to the one answer.</summary>
public sealed record ChunkChoice(int Index, Delta Delta, LogprobList? Logprobs, string? FinishReason);

/// <summary>The text that it adds.</summary>
public sealed record Delta
{
    /// <summary>Who speaks; only in the first chunk.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Role { get; init; }

    /// <summary>The text.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Content { get; init; }
}

/// <summary>How probable each token was.</summary>
public sealed record LogprobList(IReadOnlyList<TokenLogprob> Content)
{
    /// <summary>Always null.</summary>
    public IReadOnlyList<TokenLogprob>? Refusal { get; }
}

/// <summary>A token and what could have stood in its place.</summary>
public sealed record TokenLogprob(string Token, double Logprob, IReadOnlyList<int> Bytes, IReadOnlyList<TopLogprob> TopLogprobs);

/// <summary>What could have stood there.</summary>
public sealed record TopLogprob(string Token, double Logprob, IReadOnlyList<int> Bytes);

/// <summary>What an answer took, in tokens.</summary>
public sealed record Usage(int PromptTokens, int CompletionTokens)
{
    /// <summary>Both together.</summary>
    public int TotalTokens => PromptTokens + CompletionTokens;

    /// <summary>Absent where nobody says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PromptTokensDetails? PromptTokensDetails { get; init; }
}

/// <summary>How many of the prompt's tokens are the picture's.</summary>
public sealed record PromptTokensDetails(int CachedTokens, int ImageTokens);

/// <summary>The models that are served.</summary>
public sealed record ModelList(IReadOnlyList<ModelCard> Data)
{
    /// <summary>What it is.</summary>
    public string Object { get; } = "list";
}

/// <summary>One of them.</summary>
public sealed record ModelCard(string Id, long Created, string OwnedBy)
{
    /// <summary>What it is.</summary>
    public string Object { get; } = "model";
}

/// <summary>How these are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ChatCompletion))]
[JsonSerializable(typeof(ChatChunk))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ModelCard))]
public sealed partial class ChatJson : JsonSerializerContext;
