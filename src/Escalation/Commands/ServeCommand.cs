using System.CommandLine;
using Vlm.CommandLine;
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

    private static EscalationOptions Load(string path) => ConfigFile.Load<EscalationOptions>(path, "deploy/escalation.yaml");

    private static async Task<int> RunAsync(string path, CancellationToken stop)
    {
        PrivateFiles.ByDefault();
        var options = Load(path);
        var model = options.Model;
        await using var app = Server.Build(options, () => PackageModel.Open(model.Path!, model.ToEngine(), model.ToSearch()), TimeProvider.System);
        var endpoint = app.Services.GetRequiredService<Endpoint>();
        var reload = new Reload(() => endpoint.Change(Load(path)), app.Services.GetRequiredService<ILogger<Reload>>());
        await app.RunUntilEndAsync(new ServiceLife(TimeSpan.FromSeconds(options.NoticeSeconds), reload.Run), stop);
        return endpoint.Slot.Failure is null ? ExitCode.Success : ExitCode.Failed;
    }
}
