using Vlm.Cryptogram;

namespace Vlm.Edge.Escalations;

/// <summary>How one request to one endpoint ended.</summary>
internal abstract record Attempt
{
    private Attempt()
    {
    }

    /// <summary>An answer that passed every check.</summary>
    public sealed record Answered(string Answer, string Model, double? Confidence) : Attempt
    {
        /// <summary>What the picture lets the larger model say.</summary>
        public AnswerStatus Status { get; init; }

        /// <summary>Calibrated probability that the answer is right, by the larger model's own gate; null when the endpoint has none.</summary>
        public double? Calibrated { get; init; }

        /// <summary>Whether the larger model's own gate accepts the answer: only then it is as good as certain.</summary>
        public bool IsCertified { get; init; }
    }

    /// <summary>The endpoint's breaker is open: it was not asked.</summary>
    /// <param name="RetryAfter">When the breaker will let a request through.</param>
    public sealed record NotSent(TimeSpan RetryAfter) : Attempt;

    /// <summary>No answer that may be used.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Detail">The same for people.</param>
    public sealed record Failed(EscalationFailure Reason, string Detail) : Attempt
    {
        /// <summary>HTTP status; null when there was no reply.</summary>
        public int? Status { get; init; }

        /// <summary>How long the endpoint asks to be left alone.</summary>
        public TimeSpan? RetryAfter { get; init; }

        /// <summary>
        /// Whether it speaks against the endpoint, for its breaker. A refused request does not, nor does a well-formed reply with a wrong answer: the
        /// picture may be hard.
        /// </summary>
        public bool IsEndpointsFault { get; init; }

        /// <summary>Whether the same endpoint may be asked once more.</summary>
        public bool MayRepeat { get; init; }
    }
}
