using Vlm.Bench.Cascade;
using Vlm.Bench.Quality;
using Vlm.CommandLine;

namespace Vlm.Bench.Tests;

/// <summary>The benchmark's verbs in this process.</summary>
internal static class BenchCommand
{
    public static Task<int> Run(params string[] args) =>
        Cli.RunAsync([QualityCommand.Create(), CascadeCommand.Create()], args, Cli.UsualGrace, TextWriter.Null);
}
