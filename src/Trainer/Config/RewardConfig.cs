using System.Text.Json;

namespace Vlm.Trainer.Config;

/// <summary>The rewards there are.</summary>
public enum RewardName
{
    /// <summary>Well-formed by the strict parser.</summary>
    Format,

    /// <summary>How close the decoded letters are.</summary>
    Chars,

    /// <summary>Right answer after right letters.</summary>
    Correctness,

    /// <summary>How close the answer is, after right letters.</summary>
    SoftCorrectness,

    /// <summary>Punishment of long completions, −1 to 0.</summary>
    Overlong,

    /// <summary>How honest the model's confidence is.</summary>
    Brier,

    /// <summary>Whether the model is no more confident on the worse picture.</summary>
    Pair,

    /// <summary>Letter by letter: right, rightly not seen, or guessed wrong. 1 down to −<see cref="HonestyConfig.Guess"/>.</summary>
    Honesty,
}

/// <summary>What counts as the model's confidence.</summary>
public enum ConfidenceSource
{
    /// <summary>The probability of the tokens of the answer.</summary>
    Answer,

    /// <summary>The probability of the whole reply: letters are decided in the mapping lines, and the answer copies them.</summary>
    Reply,
}

/// <summary>A weight that goes in a straight line from one value to another.</summary>
/// <param name="To">The weight from <paramref name="LastStep"/> on.</param>
/// <param name="FirstStep">The step where it starts to move. ≥ 0.</param>
/// <param name="LastStep">&gt; <paramref name="FirstStep"/>.</param>
public sealed record RewardSchedule(double To, long FirstStep, long LastStep);

/// <summary>A reward and what it is worth.</summary>
/// <param name="Name">Which.</param>
/// <param name="Weight">What it is multiplied by, ≥ 0; at the start, where it has a schedule.</param>
/// <param name="Schedule">How the weight changes; null: it does not.</param>
public sealed record RewardTerm(RewardName Name, double Weight, RewardSchedule? Schedule = null)
{
    /// <summary>A reward's name as in configuration and metrics: <c>soft_correctness</c>.</summary>
    public static string Label(RewardName name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name.ToString());

    /// <summary>The weight at a step.</summary>
    public double At(long step)
    {
        if (Schedule is not { } schedule) return Weight;
        var share = Math.Clamp((step - schedule.FirstStep) / (double)(schedule.LastStep - schedule.FirstStep), 0, 1);
        return Weight + share * (schedule.To - Weight);
    }
}

/// <summary>Lengths of the soft punishment of long completions.</summary>
/// <param name="MaxLength">From here on the punishment is whole, in tokens.</param>
/// <param name="Cache">So many tokens before it the punishment begins. 1 to <paramref name="MaxLength"/>.</param>
public sealed record SoftOverlong(int MaxLength, int Cache);

/// <summary>What the honesty reward pays for a letter; one that is right earns 1, one that is shown and called not seen 0.</summary>
/// <param name="Unseen">Called not seen, and the picture does not show it. 0 to 1.</param>
/// <param name="Guess">What another letter than the right one costs, or any letter where the picture shows none. ≥ 0, finite.</param>
/// <remarks>To say a letter that is right with probability p pays more than to call it not seen while p > guess / (1 + guess): so 4 asks for 80 %.</remarks>
public sealed record HonestyConfig(double Unseen = 1, double Guess = 1);

/// <summary>What completions are rewarded for. By default the reference's four terms with equal weights.</summary>
public sealed record RewardConfig
{
    /// <summary>Rewards and weights; those not named are neither computed nor logged.</summary>
    public IReadOnlyList<RewardTerm> Terms { get; init; } =
        [new(RewardName.Format, 1), new(RewardName.Chars, 1), new(RewardName.Correctness, 1), new(RewardName.SoftCorrectness, 1)];

    /// <summary>What the brier and pair rewards take for the model's confidence.</summary>
    public ConfidenceSource Confidence { get; init; } = ConfidenceSource.Answer;

    /// <summary>Needed by the overlong term.</summary>
    public SoftOverlong? SoftOverlong { get; init; }

    /// <summary>What the honesty term pays.</summary>
    public HonestyConfig Honesty { get; init; } = new();

    /// <summary>Whether a term is among them.</summary>
    public bool Has(RewardName name) => Terms.Any(term => term.Name == name);

    /// <summary>Checks ranges.</summary>
    /// <param name="where">Named by the error, such as the file.</param>
    /// <exception cref="InvalidDataException">A value is out of range; the message names it.</exception>
    public void Validate(string where)
    {
        if (Terms.Count == 0) throw new InvalidDataException($"{where}: rewards: 'terms' is empty; give at least one.");
        if (Terms.GroupBy(term => term.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new InvalidDataException($"{where}: rewards: '{RewardTerm.Label(twice.Key)}' is named twice; give it one weight.");
        foreach (var term in Terms)
        {
            var schedule = term.Schedule;
            if (!(term.Weight >= 0 && double.IsFinite(term.Weight)) || (schedule is not null && !(schedule.To >= 0 && double.IsFinite(schedule.To))))
            {
                throw new InvalidDataException(
                    $"{where}: rewards: '{RewardTerm.Label(term.Name)}' has weight {term.Weight}, going to {schedule?.To}; "
                        + "expected finite weights of at least 0.");
            }
            if (schedule is not null && !(schedule.FirstStep >= 0 && schedule.LastStep > schedule.FirstStep))
            {
                throw new InvalidDataException(
                    $"{where}: rewards: '{RewardTerm.Label(term.Name)}' moves from step {schedule.FirstStep} to {schedule.LastStep}; "
                        + "expected 0 ≤ first < last.");
            }
        }
        if (!Terms.Any(term => term.Weight > 0 && term.Schedule is null or { To: > 0 }))
            throw new InvalidDataException($"{where}: rewards: at some step all weights are 0; give one term a weight that stays above 0.");
        if (!(Honesty.Unseen is >= 0 and <= 1 && Honesty.Guess >= 0 && double.IsFinite(Honesty.Guess)))
        {
            throw new InvalidDataException(
                $"{where}: rewards: honesty has unseen {Honesty.Unseen} and guess {Honesty.Guess}; "
                    + "expected unseen from 0 to 1 and a finite guess of at least 0.");
        }
        if (Has(RewardName.Overlong) != SoftOverlong is not null)
            throw new InvalidDataException($"{where}: rewards: the term 'overlong' and 'soft_overlong' (its lengths) need each other; give both or none.");
        if (SoftOverlong is { } soft && !(soft.Cache >= 1 && soft.Cache <= soft.MaxLength))
        {
            throw new InvalidDataException(
                $"{where}: rewards: soft_overlong has max_length {soft.MaxLength} and cache {soft.Cache}; expected 1 ≤ cache ≤ max_length.");
        }
    }
}
