using System.CommandLine;
using Vlm.Trainer;

NativeMemory.KeepFreed();
var root = new RootCommand("Trains the models that the edge box and the escalation endpoint run.");
root.Subcommands.Add(TrainCommand.Create());
return await root.Parse(args).InvokeAsync();
