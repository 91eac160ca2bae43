using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Engine;
using Vlm.Escalation.Commands;
using Vlm.Hosting;

Telemetry.Off();
var root = new RootCommand("The larger model behind an OpenAI-compatible endpoint.") { ServeCommand.Create(), KeyCommand.Create("esc", "keys.file") };
// No grace: the host answers signals itself, and its drain takes longer than a command line would wait.
return await Cli.RunAsync(root, args, grace: null);
