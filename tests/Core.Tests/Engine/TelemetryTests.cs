using System.Diagnostics;
using Vlm.Engine;

namespace Vlm.Core.Tests.Engine;

/// <summary>ONNX Runtime does not phone home.</summary>
public sealed class TelemetryTests
{
    private const string SecondsVariable = "VLM_TEST_SESSION_SECONDS";

    // The runtime opens its database within a second of loading.
    private const string Seconds = "4";

    [Fact]
    public async Task A_process_that_runs_a_session_writes_nothing_in_its_home()
    {
        using var home = new TempFolder();
        await RunSessionIn(home.Path);
        Assert.DoesNotContain(Directory.EnumerateFiles(home.Path, "*", SearchOption.AllDirectories), IsTelemetry);
    }

    [Fact]
    public void What_the_user_has_set_stands()
    {
        const string Variable = "ORT_DISABLE_TELEMETRY";
        Telemetry.Off();
        Assert.Equal("1", Environment.GetEnvironmentVariable(Variable));
        Environment.SetEnvironmentVariable(Variable, "yes");
        Telemetry.Off();
        Assert.Equal("yes", Environment.GetEnvironmentVariable(Variable));
        Environment.SetEnvironmentVariable(Variable, "1");
    }

    [Fact]
    public async Task A_session_runs_for_a_while()
    {
        // By itself a check that a session runs; as the child of the test above it lives long enough for telemetry to show.
        using var vlm = ReferencePackage.Open();
        using var prompt = new ReferencePrompt(vlm, ReferencePackage.Case("one"));
        using var decoder = vlm.Allocate(1);
        Assert.Equal(2, ReferencePackage.Generate(decoder, [prompt.Prompt], ReferencePackage.Greedy(2))[0][0].Choices.Count);
        if (Environment.GetEnvironmentVariable(SecondsVariable) is { } seconds)
            await Task.Delay(TimeSpan.FromSeconds(int.Parse(seconds)), TimeProvider.System, TestContext.Current.CancellationToken);
    }

    // .NET itself may keep files in a home; the runtime's are in a folder of its vendor.
    private static bool IsTelemetry(string path) =>
        path.Contains("Microsoft", StringComparison.OrdinalIgnoreCase) || path.Contains("onnxruntime", StringComparison.OrdinalIgnoreCase);

    private static async Task RunSessionIn(string home)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["-method", $"{typeof(TelemetryTests).FullName}.{nameof(A_session_runs_for_a_while)}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["HOME"] = home;
        start.Environment["XDG_CACHE_HOME"] = Path.Combine(home, ".cache");
        start.Environment[SecondsVariable] = Seconds;
        start.Environment.Remove("ORT_DISABLE_TELEMETRY");
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output);
    }
}
