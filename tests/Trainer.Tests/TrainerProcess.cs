using System.Diagnostics;
using System.Globalization;
using Vlm.Trainer.Config;

namespace Vlm.Trainer.Tests;

/// <summary>The trainer as its user runs it: a process of its own, which can be stopped in the middle.</summary>
internal static class TrainerProcess
{
    /// <summary>Runs a command to its end, or sends it a signal as soon as its log shows a step.</summary>
    /// <param name="command">Verb and arguments.</param>
    /// <param name="metrics">The log of the run.</param>
    /// <param name="atStep">When to send the signal; null for never.</param>
    /// <param name="signal">As the kill command names it.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] command, string metrics, int? atStep = null, string signal = "KILL")
    {
        using var process = Process.Start(
            new ProcessStartInfo("dotnet", [typeof(TrainConfig).Assembly.Location, .. command])
            { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        while (atStep is { } step && !process.WaitForExit(10))
        {
            if (!File.Exists(metrics) || !ReadShared(metrics).Contains($"\"step\":{step},", StringComparison.Ordinal)) continue;
            using var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
            kill.WaitForExit();
            break;
        }

        process.WaitForExit();
        TestContext.Current.TestOutputHelper?.WriteLine($"exit {process.ExitCode}: {output.Result}{errors.Result}");
        return process.ExitCode;
    }

    private static string ReadShared(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return new StreamReader(stream).ReadToEnd();
    }
}
