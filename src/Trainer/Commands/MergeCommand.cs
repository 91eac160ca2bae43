using System.CommandLine;
using Vlm.Trainer.Model;

namespace Vlm.Trainer.Commands;

/// <summary><c>merge &lt;checkpoint&gt; --adapter &lt;folder&gt; --to &lt;folder&gt;</c>: an adapter's update added to the weights.</summary>
internal static class MergeCommand
{
    public static Command Create()
    {
        var checkpoint = new Argument<string>("checkpoint") { Description = "Folder in Hugging Face layout: the adapter's base." };
        var adapter = new Option<string>("--adapter")
        { Description = "Folder with adapter_config.json and adapter_model.safetensors, as PEFT writes them.", Required = true };
        var target = new Option<string>("--to") { Description = "Folder for the merged checkpoint; must not exist.", Required = true };
        var command = new Command("merge", "Merge a LoRA adapter into a checkpoint.") { checkpoint, adapter, target };
        command.SetAction(parsed => Run(parsed.GetValue(checkpoint)!, parsed.GetValue(adapter)!, parsed.GetValue(target)!));
        return command;
    }

    internal static void Run(string checkpoint, string adapter, string target)
    {
        Console.WriteLine($"{LoraMerge.Write(checkpoint, adapter, target)} weights changed, {target} written");
    }
}
