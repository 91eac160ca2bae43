using Vlm.Cryptogram;
using Vlm.Puzzles;
using Vlm.Trainer.Config;

namespace Vlm.Trainer.Grpo;

/// <summary>Rewards of the completions of a group; pure.</summary>
internal static class RewardTerms
{
    /// <summary>Every configured term whose weight at this step is not 0, before it is weighted.</summary>
    /// <param name="group">The completions.</param>
    /// <param name="config">Which terms.</param>
    /// <param name="step">The optimizer step, from 0.</param>
    /// <returns>[G] per label. All are in [0, 1] but overlong, which is in [−1, 0], and honesty, which is in [−guess, 1].</returns>
    /// <exception cref="ArgumentException">The pair reward without a twin.</exception>
    public static IReadOnlyDictionary<string, double[]> Of(RolloutGroup group, RewardConfig config, long step)
    {
        var scores = group.Rollouts.Select(rollout => Score.Of(rollout.Text, group.Puzzle.Answer, group.Puzzle.Code)).ToArray();
        return config.Terms.Where(term => term.At(step) != 0).ToDictionary(term => RewardTerm.Label(term.Name), term => term.Name switch
        {
            RewardName.Format => Array.ConvertAll(scores, score => score.Format),
            RewardName.Chars => Array.ConvertAll(scores, score => score.Chars),
            RewardName.Correctness => Array.ConvertAll(scores, score => score.Correctness),
            RewardName.SoftCorrectness => Array.ConvertAll(scores, score => score.SoftCorrectness),
            RewardName.Overlong => [.. group.Rollouts.Select(rollout => Overlong(rollout.Ids.Length, config.SoftOverlong!))],
            RewardName.Brier
                => [.. group.Rollouts.Select(rollout => Brier(Confidence(rollout, config.Confidence), Score.IsExact(rollout.Text, group.Puzzle.Answer)))],
            RewardName.Honesty => [.. group.Rollouts.Select(rollout => Honesty(rollout.Text, group.Puzzle, config.Honesty))],
            _ => Pair(group, config.Confidence),
        });
    }

    /// <summary>[G] weighted sums of the terms.</summary>
    public static double[] Totals(IReadOnlyDictionary<string, double[]> terms, RewardConfig config, long step)
    {
        var totals = new double[terms.Values.First().Length];
        foreach (var term in config.Terms)
        {
            if (!terms.TryGetValue(RewardTerm.Label(term.Name), out var values)) continue;
            for (var g = 0; g < totals.Length; g++) totals[g] += term.At(step) * values[g];
        }
        return totals;
    }

    /// <summary>DAPO's soft punishment of length (arXiv 2503.14476, equation 13).</summary>
    /// <param name="length">Tokens.</param>
    /// <param name="soft">Where it begins and is whole.</param>
    /// <returns>0 down to −1.</returns>
    public static double Overlong(int length, SoftOverlong soft)
        => Math.Clamp((soft.MaxLength - soft.Cache - length) / (double)soft.Cache, -1, 0);

    /// <summary>1 − (p − correct)²: largest where the probability p is the chance of being right.</summary>
    /// <param name="confidence">p in [0, 1]; null when the reply has no answer.</param>
    /// <param name="correct">Whether the answer is right.</param>
    /// <returns>
    /// [0, 1]; 0 without an answer: to say nothing must not pay like an honest doubt.
    /// </returns>
    /// <remarks>
    /// RLCR (arXiv 2507.16806): accuracy is kept if the score is proper and bounded. There the model states p in words; here it is the model's own probability.
    /// Keep its weight at or below that of correctness: 'wrong and sure of nothing' earns as much as 'right and sure'.
    /// </remarks>
    public static double Brier(double? confidence, bool correct)
    {
        if (confidence is not { } p) return 0;
        var miss = p - (correct ? 1 : 0);
        return 1 - miss * miss;
    }

    /// <summary>Mean over the different letters of the code of what each one earns.</summary>
    /// <param name="completion">The reply.</param>
    /// <param name="puzzle">Its answer says which letters the picture does not show.</param>
    /// <param name="config">What is paid.</param>
    /// <returns>−guess to 1; −guess without an answer of as many letters and spaces as the message: to say nothing must not pay like an honest doubt.</returns>
    public static double Honesty(string completion, Puzzle puzzle, HonestyConfig config)
    {
        var given = ReplyParser.Section(completion, ReplyText.Answer);
        if (given?.Length != puzzle.Answer.Length) return -config.Guess;
        return Message.FromSpaced(puzzle.Code).Zip(puzzle.Answer, given).Where(place => place.First != ' ').DistinctBy(place => place.First)
            .Average(place => Letter(right: place.Second, said: place.Third));

        double Letter(char right, char said)
            => said != right ? said == Message.Unseen ? 0 : -config.Guess
            : right == Message.Unseen ? config.Unseen : 1;
    }

    /// <summary>How sure the model was, 0 to 1; null when the reply has no answer.</summary>
    public static double? Confidence(Rollout rollout, ConfidenceSource source)
    {
        if (rollout.AnswerProbability is null) return null;
        return source == ConfidenceSource.Answer ? rollout.AnswerProbability : Math.Min(1, Math.Exp(rollout.LogProbabilities.Sum(value => (double)value)));
    }

    /// <summary>
    /// 1 less the amount by which a completion is surer than the twin's mean on the clearer picture, or less sure than the twin's mean on the worse one. 0
    /// without an answer.
    /// </summary>
    /// <remarks>
    /// The pair loss of RAC (arXiv 2605.16999) as a bounded reward: confidence must not rise as the evidence gets worse. Replies without an answer count as 0
    /// in the mean.
    /// </remarks>
    private static double[] Pair(RolloutGroup group, ConfidenceSource source)
    {
        var twin = group.Twin
            ?? throw new ArgumentException(
                "expected a twin group (the same puzzle on a clearer or worse picture) for the pair reward, found none", nameof(group));
        var other = twin.Rollouts.Average(rollout => Confidence(rollout, source) ?? 0);
        var isClearer = group.Puzzle.Severity < twin.Puzzle.Severity;
        return [.. group.Rollouts.Select(rollout => Confidence(rollout, source) is { } own ? 1 - Math.Max(0, isClearer ? other - own : own - other) : 0)];
    }
}
