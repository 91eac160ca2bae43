namespace Vlm.Export.Check;

internal enum Outcome
{
    Passed,
    Failed,

    /// <summary>There was nothing to check, and the row says why.</summary>
    Skipped,
}

/// <summary>One line of the report.</summary>
/// <param name="Section">What is checked: a file or a graph.</param>
/// <param name="Claim">What should hold.</param>
/// <param name="Outcome">Whether it does.</param>
/// <param name="Found">What was found.</param>
internal sealed record CheckRow(string Section, string Claim, Outcome Outcome, string Found)
{
    public static CheckRow Of(string section, string claim, bool holds, string found) => new(section, claim, holds ? Outcome.Passed : Outcome.Failed, found);

    public static CheckRow Skip(string section, string claim, string why) => new(section, claim, Outcome.Skipped, why);

    /// <summary>Holds when there are no problems; they are what was found otherwise.</summary>
    public static CheckRow Of(string section, string claim, IReadOnlyCollection<string> problems, string foundWhenGood) =>
        Of(section, claim, problems.Count == 0, problems.Count == 0 ? foundWhenGood : string.Join("; ", problems));
}

/// <summary>How far an output is from what it should be.</summary>
/// <param name="Prompt">The inputs, and what the output is compared with.</param>
/// <param name="Output">The output, or what is counted.</param>
/// <param name="Largest">Largest magnitude of the expected values.</param>
/// <param name="Difference">Largest difference.</param>
/// <param name="Allowed">What the difference may be at most; null: it is reported, not judged, but has to be a number.</param>
internal sealed record ComparisonRow(string Prompt, string Output, float Largest, float Difference, float? Allowed)
{
    public bool Passed => Difference <= (Allowed ?? float.MaxValue);

    public static ComparisonRow Of(string prompt, string output, float[] expected, float[] found, float? allowed)
    {
        var difference = expected.Length == found.Length ? BehaviourChecks.Difference(expected, found) : float.PositiveInfinity;
        return new ComparisonRow(prompt, output, expected.Length == 0 ? 0 : expected.Max(MathF.Abs), difference, allowed);
    }
}

/// <summary>How many tokens two models agree on.</summary>
/// <param name="Prompt">The inputs, and the model it is compared with.</param>
/// <param name="Compared">With what.</param>
/// <param name="Agreed">Places with the same token.</param>
/// <param name="Total">Places compared.</param>
internal sealed record AgreementRow(string Prompt, string Compared, int Agreed, int Total);

/// <summary>A comparison's result.</summary>
internal sealed record ComparisonReport(IReadOnlyList<ComparisonRow> Differences, IReadOnlyList<AgreementRow> Agreements)
{
    public static readonly ComparisonReport Nothing = new([], []);
}
