namespace Vlm.Statistics;

/// <summary>Which share of a group of answers a promise bounds.</summary>
public enum BoundedShare
{
    /// <summary>Of the accepted answers, the wrong ones.</summary>
    WrongOfAccepted,

    /// <summary>Of all that was asked, the accepted ones, right or wrong: for questions that should not be answered at all.</summary>
    AcceptedOfAsked,
}

/// <summary>Answers that one promise is about.</summary>
/// <param name="Name">What they have in common.</param>
/// <param name="Bounded">What is promised of them.</param>
/// <param name="Answers">Independent answers, exchangeable with those that the promise is for.</param>
public sealed record AnswerGroup(string Name, BoundedShare Bounded, IReadOnlyList<ScoredAnswer> Answers)
{
    /// <summary>Counts the group at a threshold and tests "the bounded share is above <paramref name="risk"/>".</summary>
    internal TestedGroup At(double threshold, double risk)
    {
        int accepted = 0, errors = 0;
        foreach (var answer in Answers)
        {
            if (answer.Confidence < threshold) continue;
            accepted++;
            errors += answer.IsCorrect ? 0 : 1;
        }

        var (events, trials) = Bounded == BoundedShare.WrongOfAccepted ? (errors, accepted) : (accepted, Answers.Count);
        return new TestedGroup(Name, Answers.Count, accepted, errors, Binomial.Tail(events, trials, risk));
    }
}

/// <summary>A group of answers as counted at a threshold.</summary>
/// <param name="Name">The group's name.</param>
/// <param name="Asked">Answers of the group.</param>
/// <param name="Accepted">Those at least as confident as the threshold.</param>
/// <param name="Errors">Wrong ones among the accepted.</param>
/// <param name="PValue">Of "the share that the promise bounds is above the promised one": the exact binomial tail.</param>
public sealed record TestedGroup(string Name, int Asked, int Accepted, int Errors, double PValue);

/// <summary>A threshold with what was seen above it.</summary>
/// <param name="Threshold">Answers at least this confident are accepted.</param>
/// <param name="Groups">Every group of the sample that certified it, at least one.</param>
public sealed record CertifiedThreshold(double Threshold, IReadOnlyList<TestedGroup> Groups)
{
    /// <summary>The p-value of "some group's promise is broken": the greatest of the groups'.</summary>
    public double PValue => Groups.Max(group => group.PValue);

    /// <summary>Counts groups at a threshold.</summary>
    internal static CertifiedThreshold At(double threshold, IReadOnlyList<AnswerGroup> groups, double risk) =>
        new(threshold, [.. groups.Select(group => group.At(threshold, risk))]);
}
