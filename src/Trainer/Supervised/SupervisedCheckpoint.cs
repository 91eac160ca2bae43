using Vlm.Model;
using Vlm.Package;
using Vlm.Text;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;
using Vlm.Trainer.Runs;
using Vlm.Vision;

namespace Vlm.Trainer.Supervised;

/// <summary>Where a run stands.</summary>
/// <param name="Step">Optimizer steps done, over all stages.</param>
/// <param name="ExactMatch">Of the last probe, 0 to 1; null before the first.</param>
/// <param name="Compute">What the run computes in; null in checkpoints that do not say.</param>
public sealed record SupervisedState(long Step, double? ExactMatch, ComputeTypes? Compute = null);

/// <summary>What a supervised run goes on from: weights, read-outs, momenta, state.</summary>
internal sealed class SupervisedCheckpoint(RunFolder folder)
{
    private const string OptimizerFile = "training/optimizer.safetensors", HeadsFile = "training/auxiliary.safetensors";

    /// <summary>Where the run stands; null when it has not begun.</summary>
    public SupervisedState? State => folder.State<SupervisedState>();

    /// <summary>Writes all of it.</summary>
    public void Save(QwenVl model, AuxiliaryHeads heads, Optimizer optimizer, SupervisedState state, PictureConfig pictures) => folder.Replace(target =>
    {
        string In(string file) => Path.Combine(target, file);
        model.Config.Save(In("config.json"));
        pictures.Save(In("preprocessor_config.json"));
        SmallTokenizer.Write(target);
        PromptTemplate.Small.Save(In("prompt.json"));
        SafeTensors.Write(In("model.safetensors"), ModelWeights.Tensors(model));
        SafeTensors.Write(In(HeadsFile), ModelWeights.Tensors(heads));
        SafeTensors.Write(In(OptimizerFile), optimizer.State());
        RunFolder.SaveState(target, state);
    });

    /// <summary>Takes up weights, read-outs and momenta.</summary>
    public void Restore(QwenVl model, AuxiliaryHeads heads, Optimizer optimizer)
    {
        string In(string file) => Path.Combine(folder.Checkpoint, file);
        using (var weights = SafeTensors.Open(In("model.safetensors"))) ModelWeights.Fill(model, weights);
        using (var weights = SafeTensors.Open(In(HeadsFile))) ModelWeights.Fill(heads, weights);
        using var moments = SafeTensors.Open(In(OptimizerFile));
        optimizer.Restore(moments);
    }
}
