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
