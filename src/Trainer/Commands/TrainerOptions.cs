using System.CommandLine;

namespace Vlm.Trainer.Commands;

/// <summary>Options that several verbs of the trainer have.</summary>
internal static class TrainerOptions
{
    /// <summary>Where tensors are.</summary>
    public static Option<string> Device() => new("--device") { Description = "cpu, or cuda:0 where TorchSharp has it.", DefaultValueFactory = _ => "cpu" };
}
