using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Model;
using Vlm.Package;
using Vlm.Text;
using Vlm.Trainer.Config;
using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests;

/// <summary>A checkpoint of random weights in the sizes of configs/test.json, whose replies are cut after a few tokens.</summary>
internal static class TinyCheckpoint
{
    public const int MostTokens = 12;

    public static readonly string ConfigPath = Path.Combine(Repository.Root, "configs", "test.json");

    /// <summary>Writes the checkpoint and returns its folder.</summary>
    public static string Write(string folder, Func<VlmSizes, VlmSizes>? change = null)
    {
        var config = TrainConfig.Load(ConfigPath);
        Directory.CreateDirectory(folder);
        manual_seed(7);
        using var model = new QwenVl(ModelPreset.Config((change ?? (sizes => sizes))(config.Model)));
        InitialWeights.Draw(model);
        model.Config.Save(Path.Combine(folder, "config.json"));
        ModelPreset.Pictures(config).Save(Path.Combine(folder, "preprocessor_config.json"));
        SmallTokenizer.Write(folder);
        (PromptTemplate.Small with { MaxNewTokens = MostTokens }).Save(Path.Combine(folder, "prompt.json"));
        SafeTensors.Write(Path.Combine(folder, "model.safetensors"), ModelWeights.Tensors(model));
        return folder;
    }

    /// <summary>Runs a verb in this process, as the program does.</summary>
    public static int Run(Command command, params string[] arguments) =>
        Cli.RunAsync([command], [command.Name, .. arguments], Cli.UsualGrace, TextWriter.Null).GetAwaiter().GetResult();
}
