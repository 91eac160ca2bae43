using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Doctor;

/// <summary><c>doctor</c>: what of this machine and configuration can be used, and what to do about the rest.</summary>
internal static class DoctorCommand
{
    private static readonly Option<string?> Config = new("--config")
    {
        Description = "The configuration, such as deploy/edge.yaml. Without it: the shipped model, alone.",
    };

    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object." };

    public static Command Create()
    {
        var command = new Command(
            "doctor", "Say what this machine and a configuration have, what is missing, and what to do. Exit code 1 when something needed is missing.")
        {
            Config, Json,
        };
        command.SetAction((result, cancellation) => RunAsync(result.GetValue(Config), result.GetValue(Json), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string? path, bool isJson, CancellationToken cancellation)
    {
        var config = path is null ? Alone() : EdgeConfig.Load(path);
        var findings = await new DoctorRun(config, TimeProvider.System).LookAsync(cancellation);
        Console.WriteLine(isJson ? DoctorReport.Json(findings) : DoctorReport.Text(findings));
        return findings.Any(finding => finding.IsFault) ? ExitCode.Failed : ExitCode.Success;
    }

    private static EdgeConfig Alone()
    {
        var usual = new EdgeConfig();
        return usual with
        {
            Model = usual.Model with { Folder = ModelPlace.Locate(usual.Model.Folder) },
            Routing = usual.Routing with { Mode = RoutingMode.LocalOnly },
        };
    }
}
