using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Trainer;
using Vlm.Trainer.Commands;

NativeMemory.KeepFreed();
var root = new RootCommand("Trains the models that the edge box and the escalation endpoint run.")
{
    RunCommands.Train(), RunCommands.Grpo(), RunCommands.Finder(), EvalCommand.Create(), CompareCommand.Create(), DrawCommand.Create(), ReplyCommand.Create(),
    MergeCommand.Create(), GrowCommand.Create(), DamageCommand.Create(), PlanCommand.Create(), RandomCommand.Create(), FetchCommand.Create(),
};
// After Ctrl-C a step is finished and a checkpoint written before the process ends.
return await Cli.RunAsync(root, args, grace: TimeSpan.FromMinutes(2));
