using Vlm.Engine;
using Vlm.Solving;

namespace Vlm.CommandLine;

/// <summary>What a command says of where its model runs: one line on the error stream, beside its results.</summary>
public static class ProviderNotice
{
    /// <summary>Says it where there was something to choose, and again should the provider fail in the middle of the run.</summary>
    /// <param name="solver">The package, opened.</param>
    /// <param name="isAsked">Whether a provider was asked for; builds that have none beside the processor say nothing else.</param>
    public static void Tell(Solver solver, bool isAsked)
    {
        ArgumentNullException.ThrowIfNull(solver);
        if (isAsked || ProviderLibraries.Built is not null) Console.Error.WriteLine(solver.Placement);
        solver.Moved = placement => Console.Error.WriteLine(placement);
    }
}
