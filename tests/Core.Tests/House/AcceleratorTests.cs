using System.Diagnostics;

namespace Vlm.Core.Tests.House;

/// <summary>Builds that cannot be had say so before anything is restored.</summary>
public sealed class AcceleratorTests
{
    [Theory]
    [InlineData("directml", "Microsoft.ML.OnnxRuntime.DirectML")]
    [InlineData("vulkan", "There is no accelerator 'vulkan'")]
    public async Task An_accelerator_that_cannot_be_built_here_is_one_clear_error(string accelerator, string message)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() && accelerator == "directml", "Windows can build it");
        string[] arguments = ["msbuild", "src/Core/Core.csproj", "-nologo", "-t:KnownAccelerator", $"-p:Accelerator={accelerator}"];
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, WorkingDirectory = Repository.Root };
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using var process = Process.Start(start)!;

        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(1, process.ExitCode);
        Assert.Contains(message, output, StringComparison.Ordinal);
    }
}
