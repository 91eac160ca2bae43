using System.CommandLine;
using Vlm.Edge;
using Vlm.Edge.Calibrate;
using Vlm.Edge.Serve;
using Vlm.Edge.Solve;
using Vlm.Engine.Ort;

Telemetry.Off();
var root = new RootCommand("Reads cryptograms with a small vision-language model on this machine.")
{
    SolveCommand.Create(), CalibrateCommand.Create(), ServeCommand.Create(),
};
var command = root.Parse(args);
if (command.Errors.Count > 0)
{
    foreach (var error in command.Errors) Console.Error.WriteLine(error.Message);
    Console.Error.WriteLine("See --help.");
    return ExitCode.WrongUsage;
}
// Longer than the host waits for requests in flight when it is told to end.
return await command.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(40) });
