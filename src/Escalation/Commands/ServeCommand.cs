using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Engine;
using Vlm.Escalation.Work;
using Vlm.Hosting;
using Vlm.Hosting.Http;

namespace Vlm.Escalation.Commands;

/// <summary>The verb <c>serve</c>.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var config = new Option<string>("--config") { Description = "The configuration, such as deploy/escalation.yaml.", Required = true };
        var command = new Command("serve", "Answers over HTTP until it is told to end (Ctrl-C or SIGTERM).") { config };
        command.SetAction((result, stop) => RunAsync(result.GetRequiredValue(config), stop));
        return command;
    }

    private static async Task<int> RunAsync(string path, CancellationToken stop)
    {
        var options = ConfigFile.Load<EscalationOptions>(path, "deploy/escalation.yaml");
        var engine = new EngineOptions { Kind = options.Model.Engine, Threads = options.Model.Threads };
        await using var app = Server.Build(options, () => PackageModel.Open(options.Model.Path!, engine), TimeProvider.System);
        var slot = app.Services.GetRequiredService<Endpoint>().Slot;
        await app.RunUntilEndAsync(stop);
        return slot.Failure is null ? ExitCode.Success : ExitCode.Failed;
    }
}
