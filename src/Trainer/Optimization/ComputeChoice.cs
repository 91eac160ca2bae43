using Vlm.Trainer.Model;

namespace Vlm.Trainer.Optimization;

/// <summary>The types that a run computes in, and why, for its log and its provenance.</summary>
public sealed record ComputeChoice(ComputeTypes Types, string Why)
{
    // A run is not stopped for being slow, but its owner should know.
    private const double MuchSlower = 2;

    /// <summary>What is configured counts; then what the run began with; then what is faster here.</summary>
    /// <param name="asked">The configuration's.</param>
    /// <param name="kept">The checkpoint's that is resumed; null for a new run and for checkpoints that do not say.</param>
    /// <param name="measure">Measures this machine; not called when the configuration decides.</param>
    public static ComputeChoice Choose(ComputeType asked, ComputeTypes? kept, Func<ComputeTimes> measure)
    {
        if (asked != ComputeType.Auto)
        {
            var configured = new ComputeTypes(asked, asked);
            return kept is null || kept == configured
                ? new ComputeChoice(configured, "as configured")
                : new ComputeChoice(configured, $"as configured; the checkpoint was made with {kept}, so the run goes on, but not to the bit");
        }

        var times = measure();
        if (kept is not null) return new ComputeChoice(kept, "as in the checkpoint" + Warning(kept, times));
        return new ComputeChoice(
            new ComputeTypes(times.Products.Faster, times.Orthogonalization.Faster),
            $"measured here: a block {times.Products}; a matrix {times.Orthogonalization}");
    }

    public override string ToString() => $"{Types} ({Why})";

    private static string Warning(ComputeTypes kept, ComputeTimes times)
    {
        var slower = Math.Max(Slower(times.Products, kept.Products), Slower(times.Orthogonalization, kept.Orthogonalization));
        return slower < MuchSlower ? ""
            : $"; the other type was measured {slower:F0} times faster on this machine: set \"bfloat16\" to true or false to change";
    }

    private static double Slower(TypeTimes times, ComputeType kept) => times.Of(kept) / times.Of(times.Faster);
}
