namespace Vlm.Statistics;

/// <summary>How far a statistic of answers would move if other answers of the same kind had been drawn: the percentile bootstrap (Efron 1979).</summary>
/// <param name="Value">The statistic of the answers themselves.</param>
/// <param name="Low">2.5 % of the resamples are below.</param>
/// <param name="High">2.5 % are above.</param>
public readonly record struct Bootstrap(double Value, double Low, double High)
{
    /// <summary>The statistic with its 95 % interval.</summary>
    /// <param name="answers">At least one.</param>
    /// <param name="statistic">Null where it is not defined, such as the AUROC of right answers alone; such resamples do not count.</param>
    /// <param name="resamples">Draws with replacement, each as many as there are answers; at least 40.</param>
    /// <param name="seed">Of the draws.</param>
    /// <returns>Null when the statistic is not defined for the answers, or for more than half of the resamples.</returns>
    public static Bootstrap? Of(IReadOnlyList<ScoredAnswer> answers, Func<IReadOnlyList<ScoredAnswer>, double?> statistic, int resamples, long seed)
    {
        ArgumentNullException.ThrowIfNull(answers);
        ArgumentNullException.ThrowIfNull(statistic);
        ArgumentOutOfRangeException.ThrowIfZero(answers.Count, nameof(answers));
        ArgumentOutOfRangeException.ThrowIfLessThan(resamples, 40);
        if (statistic(answers) is not { } value) return null;
        var rng = SeededRandom.From(seed, answers.Count);
        var draws = new List<double>();
        var sample = new ScoredAnswer[answers.Count];
        for (var i = 0; i < resamples; i++)
        {
            for (var j = 0; j < sample.Length; j++) sample[j] = answers[rng.Next(answers.Count)];
            if (statistic(sample) is { } draw) draws.Add(draw);
        }

        if (draws.Count < resamples / 2) return null;
        draws.Sort();
        return new Bootstrap(value, draws[(int)(0.025 * draws.Count)], draws[(int)(0.975 * draws.Count)]);
    }
}
