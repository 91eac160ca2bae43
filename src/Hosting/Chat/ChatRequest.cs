using Vlm.Engine;

namespace Vlm.Hosting.Chat;

/// <summary>A request that has been checked: a question for the model and how to answer it.</summary>
/// <param name="Code">The code in its normal form.</param>
/// <param name="Picture">The picture's file, its header checked.</param>
/// <param name="Settings">How to answer.</param>
public sealed record ChatRequest(string Code, byte[] Picture, ChatSettings Settings);

/// <summary>How to answer.</summary>
public sealed record ChatSettings
{
    /// <summary>New tokens at most; null means as many as the model may.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>How tokens are taken. Greedy unless a temperature is given: the model was trained for one right answer.</summary>
    public Sampling Sampling { get; init; } = Sampling.Greedy;

    /// <summary>Whether to say how probable each token was.</summary>
    public bool WithLogprobs { get; init; }

    /// <summary>Alternatives per token, 0 to 20.</summary>
    public int TopLogprobs { get; init; }

    /// <summary>Whether to send tokens as they are taken.</summary>
    public bool IsStream { get; init; }

    /// <summary>Whether a stream ends with the usage.</summary>
    public bool IncludeUsage { get; init; }
}
