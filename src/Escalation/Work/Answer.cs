using System.Text;
using Vlm.Cryptogram;
using Vlm.Engine;
using Vlm.Solving;

namespace Vlm.Escalation.Work;

/// <summary>A token as clients see it.</summary>
/// <param name="Bytes">What it stands for; a character may be spread over several tokens.</param>
/// <param name="LogProbability">Natural logarithm of its probability.</param>
internal sealed record AnswerToken(byte[] Bytes, double LogProbability)
{
    /// <summary>What could have stood there instead, most probable first, the token itself among them; empty unless asked for.</summary>
    public IReadOnlyList<AnswerToken> Alternatives { get; init; } = [];

    /// <summary>The bytes as text; U+FFFD where they are no whole character.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes);
}

/// <summary>A finished answer: all that is sent of it, and nothing that holds a picture.</summary>
internal sealed record Answer
{
    public required string Id { get; init; }

    public required long Created { get; init; }

    /// <summary>The whole reply, the given start included.</summary>
    public required string Text { get; init; }

    /// <summary>Without the token that ended the reply.</summary>
    public required IReadOnlyList<AnswerToken> Tokens { get; init; }

    /// <summary>Whether a limit ended it rather than the model.</summary>
    public required bool IsCut { get; init; }

    /// <summary>What the picture let the model say; null when its reply cannot be read.</summary>
    public AnswerStatus? Status { get; init; }

    /// <summary>The letters of the code that the picture does not show.</summary>
    public IReadOnlyList<char> Unseen { get; init; } = [];

    /// <summary>Calibrated probability that the answer is right; null for a model without a gate.</summary>
    public double? Confidence { get; init; }

    /// <summary>Whether the gate's certificate covers the answer; null for a model without a gate.</summary>
    public bool? IsCertified { get; init; }

    public required int PromptTokens { get; init; }

    public required int PictureTokens { get; init; }

    /// <summary>Generated tokens, the one that ended the reply included.</summary>
    public required int CompletionTokens { get; init; }
}

/// <summary>From the engine's tokens to those that clients see.</summary>
internal static class Answers
{
    public static AnswerToken Token(IModel model, Choice choice, IReadOnlyList<TokenProbability> alternatives) =>
        new(model.Bytes(choice.Token), choice.LogProbability)
        {
            Alternatives = [.. alternatives.Select(each => new AnswerToken(model.Bytes(each.Token), each.LogProbability))],
        };

    public static Answer Of(IModel model, SolveJob job, Solution solution)
    {
        var (generation, assessment) = (solution.Generation, model.Assess(solution));
        return new Answer
        {
            Id = job.Id,
            Created = job.Created.ToUnixTimeSeconds(),
            Text = model.ReplyStart + solution.Text,
            Tokens = [.. generation.TextTokens.Select((_, i) =>
                Token(model, generation.Choices[i], generation.Alternatives.Count == 0 ? [] : generation.Alternatives[i]))],
            IsCut = generation.Finish != FinishReason.EndOfText,
            Status = solution.Status,
            Unseen = solution.Unseen,
            Confidence = assessment?.Confidence,
            IsCertified = assessment?.IsConfident,
            PromptTokens = solution.PromptTokens,
            PictureTokens = solution.PictureTokens,
            CompletionTokens = generation.Choices.Count,
        };
    }
}
