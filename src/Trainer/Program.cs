using System.CommandLine;
using Vlm.Trainer;

const int Misused = 2;
NativeMemory.KeepFreed();
var root = new RootCommand("Trains the models that the edge box and the escalation endpoint run.")
{
    TrainCommand.Create(), GrpoCommand.Create(), EvalCommand.Create(), CompareCommand.Create(), DrawCommand.Create(), ReplyCommand.Create(), MergeCommand.Create(),
    PlanCommand.Create(),
};
var parsed = root.Parse(args);
// After Ctrl-C a step is finished and a checkpoint written before the process ends; the default of two seconds would cut that short.
var code = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(2) });
return parsed.Errors.Count > 0 ? Misused : code;
