using System.CommandLine;
using Vlm.Escalation.Settings;
using Vlm.Escalation.Work;

namespace Vlm.Escalation.Serve;

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
        try
        {
            var options = SettingsFile.Load(path);
            await using var app = Server.Build(options, () => PackageModel.Open(options.Model.Path!, options.Model.Threads));
            var slot = app.Services.GetRequiredService<ModelSlot>();
            await app.StartAsync(stop);
            await app.WaitForShutdownAsync(stop);
            return slot.Failure is null ? ExitCode.Success : ExitCode.Failed;
        }
        catch (SettingsException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return ExitCode.WrongUsage;
        }
        catch (IOException e)
        {
            // Kestrel's way to say that the port is taken.
            await Console.Error.WriteLineAsync(e.Message);
            return ExitCode.Failed;
        }
    }
}
