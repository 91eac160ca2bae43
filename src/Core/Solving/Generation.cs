using Vlm.Engine;

namespace Vlm.Solving;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>The model wrote a stop token.</summary>
    EndOfText,

    /// <summary>The limit on new tokens was reached.</summary>
    MaxTokens,

    /// <summary>Prompt and reply filled the memory of the row.</summary>
    ContextFull,

    /// <summary>Somebody cancelled it.</summary>
    Cancelled,

    /// <summary>Only the plain letters were wanted, and they are decided.</summary>
    LettersDecided,
}

/// <summary>What to generate.</summary>
public sealed record GenerationOptions
{
    /// <summary>New tokens at most, at least 1.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Tokens that end a reply; the one that did is the reply's last.</summary>
    public required IReadOnlyCollection<int> StopTokens { get; init; }

    /// <summary>How tokens are taken; greedy by default.</summary>
    public Sampling Sampling { get; init; } = Sampling.Greedy;

    /// <summary>Samples of each prompt, all from one prefill; 1 by default.</summary>
    public int Samples { get; init; } = 1;

    /// <summary>The first tokens of every reply, given instead of chosen; none by default. Their log-probabilities are the model's.</summary>
    public IReadOnlyList<int> Forced { get; init; } = [];

    /// <summary>What the reply can be: tokens that break its rules are not taken. Null (the default) leaves the model free.</summary>
    public ReplyState? Reply { get; init; }

    /// <summary>Whether the reply ends as soon as its plain letters are decided; false by default.</summary>
    public bool LettersOnly { get; init; }

    /// <summary>Whether to record where the model looked for every token; off by default.</summary>
    public bool WithAttention { get; init; }

    /// <summary>How many of the most probable tokens to record at every place; none by default.</summary>
    public int Alternatives { get; init; }

    /// <summary>
    /// Called with every token as soon as it is final, the stop token included, and with its most probable alternatives: when it is taken, or, with
    /// <see cref="Reply"/>, once all plain letters are decided. It runs in the loop, so the
    /// batch waits for it; what it throws ends the batch.
    /// </summary>
    public Action<Choice, IReadOnlyList<TokenProbability>>? OnToken { get; init; }

    /// <summary>Ends this prompt's rows with <see cref="FinishReason.Cancelled"/>; its neighbours in the batch go on.</summary>
    public CancellationToken Stop { get; init; }
}

/// <summary>How long the two phases of a generation took, for its whole batch.</summary>
/// <param name="Prefill">Reading the prompts.</param>
/// <param name="Decode">All steps after that.</param>
public readonly record struct GenerationTimings(TimeSpan Prefill, TimeSpan Decode)
{
    /// <summary>The sum of both, phase by phase.</summary>
    public GenerationTimings And(GenerationTimings other) => new(Prefill + other.Prefill, Decode + other.Decode);
}

/// <summary>One reply.</summary>
/// <param name="Choices">The tokens, the stop token included, with their log-probabilities and runners-up.</param>
/// <param name="Finish">Why it ended.</param>
/// <param name="Timings">How long it took, together with its batch.</param>
public sealed record Generation(IReadOnlyList<Choice> Choices, FinishReason Finish, GenerationTimings Timings)
{
    /// <summary>The tokens without the one that ended the reply.</summary>
    public int[] TextTokens => [.. Choices.Take(Choices.Count - (Finish == FinishReason.EndOfText ? 1 : 0)).Select(choice => choice.Token)];

    /// <summary>
    /// For each choice, where the model looked when it chose: one weight per picture token, sum 1. Null when it was not asked for or the package does not show it.
    /// </summary>
    public IReadOnlyList<float[]>? Attention { get; init; }

    /// <summary>The plain letters as they were decided together; empty where the reply was not held to a grammar or ended before that.</summary>
    public IReadOnlyList<DecidedLetter> Decided { get; init; } = [];

    /// <summary>What the model believes of every letter it was asked for, at the first look; empty where <see cref="Decided"/> is.</summary>
    public IReadOnlyList<LetterBelief> Beliefs { get; init; } = [];

    /// <summary>
    /// Where the model looked for every plain letter it was asked for, one weight per picture token, sum 1; empty where the reply was not held to a grammar
    /// or the package does not show it.
    /// </summary>
    public IReadOnlyList<float[]> LookedAt { get; init; } = [];

    /// <summary>The further looks at the picture that were needed.</summary>
    public LookCount FurtherLooks { get; init; }

    /// <summary>Whether the looks left letters unsure and the word list had a say in them (<see cref="WordDecision"/>).</summary>
    public bool LeantOnWords { get; init; }

    /// <summary>For each choice the most probable tokens at its place, as many as were asked for, most probable first; empty when none were.</summary>
    public IReadOnlyList<IReadOnlyList<TokenProbability>> Alternatives { get; init; } = [];
}
