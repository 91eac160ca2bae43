using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Edge.Calibrate;
using Vlm.Edge.Commands;
using Vlm.Edge.Doctor;
using Vlm.Edge.Solve;
using Vlm.Engine;
using Vlm.Hosting;

Telemetry.Off();
var root = new RootCommand("Reads cryptograms with a small vision-language model on this machine.")
{
    SolveCommand.Create(), CalibrateCommand.Create(), ServeCommand.Create(), KeyCommand.Create("edge", "server: api_keys_file"),
    DeadLettersCommand.Create(), DoctorCommand.Create(), CameraCommand.Create(),
};
// Longer than the host waits for requests in flight when it is told to end.
return await Cli.RunAsync(root, args, grace: TimeSpan.FromSeconds(40));
