using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Export.Commands;

var root = new RootCommand("Writes model packages for ONNX Runtime from Hugging Face checkpoints, and checks them.")
{
    ExportCommand.Create(), CheckCommand.Create(), FinderCommand.Create(),
};
return await Cli.RunAsync(root, args, Cli.UsualGrace);
