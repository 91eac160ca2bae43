using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Export.Commands;

var root = new RootCommand("Writes model packages for ONNX Runtime from Hugging Face checkpoints, and checks them.")
{
    ExportCommand.Create(), CheckCommand.Create(), FinderCommand.Create(),
};
// A large tensor is written in pieces of seconds; then what was begun is taken away.
return await Cli.RunAsync(root, args, grace: TimeSpan.FromSeconds(10));
