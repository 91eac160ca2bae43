using Vlm.Package;
using Vlm.Text;
using Vlm.Trainer.Config;
using Vlm.Trainer.Model;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Grpo;

/// <summary>The model of configs/test.json with random weights, as a checkpoint.</summary>
internal static class TinyPolicy
{
    public static readonly TrainConfig Sizes = TrainConfig.Load(Path.Combine(Repository.Root, "configs", "test.json"));

    public static readonly PictureConfig Pictures = ModelPreset.Pictures(Sizes);

    public static QwenVl Model()
    {
        manual_seed(4);
        var model = new QwenVl(ModelPreset.Config(Sizes.Model));
        InitialWeights.Draw(model);
        return model;
    }

    public static void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        using var model = Model();
        model.Config.Save(Path.Combine(folder, "config.json"));
        Pictures.Save(Path.Combine(folder, "preprocessor_config.json"));
        SmallTokenizer.Write(folder);
        PromptTemplate.Small.Save(Path.Combine(folder, "prompt.json"));
        Vlm.Model.SafeTensors.Write(Path.Combine(folder, "model.safetensors"), ModelWeights.Tensors(model));
    }
}
