using System.CommandLine;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Vlm.Bench.Micro;

/// <summary><c>micro</c>: what do single steps cost?</summary>
internal static class MicroCommand
{
    public static Command Create()
    {
        var rest = new Argument<string[]>("arguments")
        {
            Description = "Given to BenchmarkDotNet, such as --filter '*Patches*'.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var command = new Command("micro", "Times single steps with BenchmarkDotNet.") { rest };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(result =>
        {
            string[] arguments = [.. result.GetValue(rest) ?? [], .. result.UnmatchedTokens];
            // In this process: a project that BenchmarkDotNet generates and builds would not find the central package versions.
            var config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance));
            BenchmarkSwitcher.FromAssembly(typeof(MicroCommand).Assembly).Run(arguments.Length > 0 ? arguments : ["--filter", "*"], config);
        });
        return command;
    }
}
