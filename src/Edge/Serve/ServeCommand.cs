using System.CommandLine;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Vlm.CommandLine;
using Vlm.Edge.Queries;
using Vlm.Engine;
using Vlm.Gating;
using Vlm.Package;
using Vlm.Solving;

namespace Vlm.Edge.Serve;

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
        Solver? solver = null;
        try
        {
            var config = EdgeConfigFile.Load(path);
            solver = Solver.Open(config.Model.Folder, new EngineOptions { Threads = config.Model.Threads });
            await using var app = EdgeServer.Build(config, solver, TimeProvider.System);
            await app.StartAsync(stop);
            Greet(app, config, solver.Folder);
            await app.WaitForShutdownAsync(stop);
            return ExitCode.Success;
        }
        catch (ConfigException e)
        {
            return await FailAsync(e, solver, ExitCode.WrongUsage);
        }
        catch (Exception e) when (e is ModelException or GateException or IOException or UnauthorizedAccessException)
        {
            // Among them Kestrel's way to say that the port is taken, and a queue that another process has open.
            return await FailAsync(e, solver, ExitCode.Failed);
        }
    }

    private static void Greet(WebApplication app, EdgeConfig config, ModelFolder model)
    {
        var logger = app.Services.GetRequiredService<ILogger<QueryPipeline>>();
        var gates = app.Services.GetRequiredService<Watch>().Gates;
        var said = gates is null ? "no gate: answers are uncertified" : $"certified risk {gates.Gate.Certificate.Risk:P1} at confidence {1 - gates.Gate.Certificate.Delta:P0}";
        Log.Ready(logger, string.Join(", ", app.Urls), model.Path, model.Manifest.Precision, EdgeConfigFile.Name(config.Routing.Mode), said);
        if (!app.Services.GetRequiredService<Admission>().NeedsKey) Log.NoKeys(logger, string.Join(", ", app.Urls));
    }

    private static async Task<int> FailAsync(Exception error, Solver? solver, int code)
    {
        solver?.Dispose();
        await Console.Error.WriteLineAsync(error.Message);
        return code;
    }
}
