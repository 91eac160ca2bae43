namespace Vlm.Export.Check;

/// <summary>How far an output is from what it should be.</summary>
/// <param name="Prompt">The inputs, and what the output is compared with.</param>
/// <param name="Output">The output, or what is counted.</param>
/// <param name="Largest">Largest magnitude of the expected values.</param>
/// <param name="Difference">Largest difference.</param>
/// <param name="Allowed">What the difference may be at most; null: it is told, not judged, but has to be a number.</param>
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
