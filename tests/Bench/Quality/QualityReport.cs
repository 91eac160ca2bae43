using Vlm.Cryptogram;
using Vlm.Statistics;

namespace Vlm.Bench.Quality;

/// <summary>What a quality run was asked to do and what it ran on; everything that must be equal for two reports to be compared.</summary>
public sealed record QualitySubject
{
    /// <summary>Name of the model package's folder.</summary>
    public required string Model { get; init; }

    /// <summary>SHA-256 of the package's manifest, which holds the hashes of its files.</summary>
    public required string ModelHash { get; init; }

    public required string Precision { get; init; }

    public required string Split { get; init; }

    public required long Seed { get; init; }

    /// <summary>Smallest and largest camera severity; null where the split has none.</summary>
    public string? Severity { get; init; }

    /// <summary>What is the matter with the pictures; null when nothing is.</summary>
    public string? Stratum { get; init; }

    public required int Batch { get; init; }

    /// <summary>Whether replies were held to their layout; null in reports from before that was done.</summary>
    public bool? IsConstrained { get; init; }

    /// <summary>How sheets were looked for; null where pictures were read as they are.</summary>
    public string? Finding { get; init; }

    public required string Machine { get; init; }

    public required string Versions { get; init; }

    /// <summary>Day of the run, UTC.</summary>
    public required string Date { get; init; }
}

/// <summary>Exact match in one group of puzzles.</summary>
/// <param name="Group">What the puzzles have in common.</param>
/// <param name="Right">Puzzles whose whole answer is right.</param>
/// <param name="Count">Puzzles.</param>
/// <param name="Low">Lower end of the 95 % Wilson interval of the share.</param>
/// <param name="High">Its upper end.</param>
public sealed record GroupScore(string Group, int Right, int Count, double Low, double High)
{
    public double Share => (double)Right / Count;

    public static GroupScore Of(string group, IReadOnlyCollection<QualityItem> items)
    {
        int right = items.Count(item => item.IsRight);
        var interval = WilsonInterval.Of(right, items.Count);
        return new GroupScore(group, right, items.Count, interval.Low, interval.High);
    }
}

/// <summary>Seconds per solve: the time of a batch shared equally among its puzzles.</summary>
public sealed record SolveSeconds(double Mean, double P50, double P95);

/// <summary>What was said of letters that the pictures show and of those that they do not.</summary>
/// <param name="Unseen">Letters of messages that their pictures do not show.</param>
/// <param name="Rightly">Of them called unseen.</param>
/// <param name="Shown">Letters of messages that their pictures show.</param>
/// <param name="Wrongly">Of them called unseen.</param>
/// <param name="NoDecoder">Pictures said to hold no decoder.</param>
public sealed record UnseenScore(int Unseen, int Rightly, int Shown, int Wrongly, int NoDecoder)
{
    public static UnseenScore Of(IReadOnlyCollection<QualityItem> items)
    {
        (bool IsUnseen, bool IsCalled)[] letters = [.. items.Where(item => item.Answer?.Length == item.Expected.Length)
            .SelectMany(item => item.Expected.Zip(item.Answer!))
            .Where(letter => letter.First != ' ')
            .Select(letter => (letter.First == Message.Unseen, letter.Second == Message.Unseen))];
        return new UnseenScore(
            letters.Count(letter => letter.IsUnseen),
            letters.Count(letter => letter is { IsUnseen: true, IsCalled: true }),
            letters.Count(letter => !letter.IsUnseen),
            letters.Count(letter => letter is { IsUnseen: false, IsCalled: true }),
            items.Count(item => item.Status == "no_decoder"));
    }
}

/// <summary>How well a model package answers the puzzles of a split.</summary>
public sealed record QualityReport
{
    private const int ShownMistakes = 20;

    public required QualitySubject Subject { get; init; }

    public required GroupScore Total { get; init; }

    public required IReadOnlyList<GroupScore> PerWords { get; init; }

    /// <summary>Empty when no camera took the pictures.</summary>
    public required IReadOnlyList<GroupScore> PerSeverity { get; init; }

    public required UnseenScore Unseen { get; init; }

    public required SolveSeconds Seconds { get; init; }

    public required double TokensPerReply { get; init; }

    /// <summary>How many replies were rejected for which reason.</summary>
    public required IReadOnlyDictionary<string, int> Failures { get; init; }

    /// <summary>The first wrong answers, in the order of the split.</summary>
    public required IReadOnlyList<QualityItem> Mistakes { get; init; }

    /// <summary>Sums up at least one item.</summary>
    public static QualityReport Of(QualitySubject subject, IReadOnlyCollection<QualityItem> items)
    {
        ArgumentOutOfRangeException.ThrowIfZero(items.Count);
        double[] seconds = [.. items.Select(item => item.Seconds).Order()];
        return new QualityReport
        {
            Subject = subject,
            Total = GroupScore.Of("all", items),
            PerWords = Scores(items, item => item.Words, words => words == 1 ? "1 word" : $"{words} words"),
            PerSeverity = items.Any(item => item.Severity > 0) ? Scores(items, item => item.Severity, severity => $"severity {severity}") : [],
            Unseen = UnseenScore.Of(items),
            Seconds = new SolveSeconds(seconds.Average(), Quantile(seconds, 0.5), Quantile(seconds, 0.95)),
            TokensPerReply = items.Average(item => item.Tokens),
            Failures = items.Where(item => item.Failure is not null).CountBy(item => item.Failure!.Reason)
                .OrderByDescending(reason => reason.Value).ToDictionary(),
            Mistakes = [.. items.Where(item => !item.IsRight).OrderBy(item => item.Index).Take(ShownMistakes)],
        };
    }

    private static List<GroupScore> Scores(IEnumerable<QualityItem> items, Func<QualityItem, int> key, Func<int, string> name) =>
        [.. items.GroupBy(key).OrderBy(group => group.Key).Select(group => GroupScore.Of(name(group.Key), [.. group]))];

    // The smallest value that at least this share of the values does not exceed.
    internal static double Quantile(double[] ascending, double share) => ascending[Math.Max(0, (int)Math.Ceiling(share * ascending.Length) - 1)];
}
