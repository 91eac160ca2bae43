using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Vlm.CommandLine;
using Vlm.Edge.Api;
using Vlm.Hosting;
using Vlm.Hosting.Http;
using Vlm.Solving;

namespace Vlm.Edge.Commands;

/// <summary><c>serve</c>: the daemon.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var config = new Option<string>("--config") { Description = "The configuration, such as deploy/edge.yaml.", Required = true };
        var command = new Command("serve", "Answers over HTTP, and asks a larger model where the gate is not confident, until it is told to end.") { config };
        command.SetAction((result, stop) => RunAsync(result.GetRequiredValue(config), stop));
        return command;
    }

    private static async Task<int> RunAsync(string path, CancellationToken stop)
    {
        PrivateFiles.ByDefault();
        var config = EdgeConfig.Load(path);
        var solver = Solver.Open(config.Model.Folder, config.Model.ToEngine(), config.Model.ToSearch());
        await using var app = EdgeServer.Build(config, solver, TimeProvider.System);
        var daemon = app.Services.GetRequiredService<Daemon>();
        var reload = new Reload(() => daemon.Change(EdgeConfig.Load(path)), app.Services.GetRequiredService<ILogger<Reload>>());
        await app.RunUntilEndAsync(new ServiceLife(TimeSpan.FromSeconds(config.Server.NoticeSeconds), reload.Run), stop);
        return ExitCode.Success;
    }
}
