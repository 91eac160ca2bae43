using System.CommandLine;
using Vlm.Engine;
using Vlm.Escalation;
using Vlm.Escalation.Keys;
using Vlm.Escalation.Serve;

Telemetry.Off();
var root = new RootCommand("The larger model behind an OpenAI-compatible endpoint.") { ServeCommand.Create(), KeyCommand.Create() };
var command = root.Parse(args);
if (command.Errors.Count > 0)
{
    foreach (var error in command.Errors) Console.Error.WriteLine(error.Message);
    Console.Error.WriteLine("See --help.");
    return ExitCode.WrongUsage;
}
// No termination timeout: the host answers signals itself, and its drain takes longer than the two seconds that would be given here.
return await command.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
