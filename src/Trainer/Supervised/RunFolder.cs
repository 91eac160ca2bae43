using System.Text.Json;
using Vlm.Model;
using Vlm.Package;
using Vlm.Text;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;
using Vlm.Vision;

namespace Vlm.Trainer.Supervised;

/// <summary>Where a run stands.</summary>
/// <param name="Step">Optimizer steps done, over all stages.</param>
/// <param name="ExactMatch">Of the last probe, 0 to 1; null before the first.</param>
/// <param name="Compute">What the run computes in; null in checkpoints that do not say.</param>
public sealed record RunState(long Step, double? ExactMatch, ComputeTypes? Compute = null);

/// <summary>
/// <c>runs/&lt;name&gt;</c>: the configuration as understood, metrics, plots, and the checkpoint: a Hugging Face folder with a
/// <c>training/</c> folder beside the weights that holds what exact resuming needs.
/// </summary>
internal sealed class RunFolder(string path)
{
    private const string StateFile = "training/state.json", OptimizerFile = "training/optimizer.safetensors", HeadsFile = "training/auxiliary.safetensors";

    public string Path { get; } = path;

    /// <summary>The checkpoint's folder. A kill between the two renames of <see cref="Save"/> leaves the old one under another name.</summary>
    public string Checkpoint { get; } = System.IO.Path.Combine(path, "checkpoint");

    private string Old => Checkpoint + ".old";

    /// <summary>The small tokenizer, from its files in the run's folder.</summary>
    public Tokenizer Tokenizer()
    {
        Directory.CreateDirectory(Path);
        SmallTokenizer.Write(Path);
        return Text.Tokenizer.Load(System.IO.Path.Combine(Path, "tokenizer.json"));
    }

    /// <summary>Writes everything that a supervised run goes on from.</summary>
    public void Save(QwenVl model, AuxiliaryHeads heads, Optimizer optimizer, RunState state, PictureConfig pictures) => Replace(folder =>
    {
        string In(string file) => System.IO.Path.Combine(folder, file);
        model.Config.Save(In("config.json"));
        pictures.Save(In("preprocessor_config.json"));
        SmallTokenizer.Write(folder);
        PromptTemplate.Small.Save(In("prompt.json"));
        SafeTensors.Write(In("model.safetensors"), ModelWeights.Tensors(model));
        SafeTensors.Write(In(HeadsFile), ModelWeights.Tensors(heads));
        SafeTensors.Write(In(OptimizerFile), optimizer.State());
        SaveState(folder, state);
    });

    /// <summary>Writes a checkpoint under a temporary name, then puts it in the place of the one before, so that a kill at any point leaves a whole one.</summary>
    /// <param name="write">Is given the folder, in which there is an empty folder <c>training</c>.</param>
    public void Replace(Action<string> write)
    {
        var temporary = Checkpoint + ".new";
        if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        Directory.CreateDirectory(System.IO.Path.Combine(temporary, "training"));
        write(temporary);

        if (Directory.Exists(Old)) Directory.Delete(Old, recursive: true);
        if (Directory.Exists(Checkpoint)) Directory.Move(Checkpoint, Old);
        Directory.Move(temporary, Checkpoint);
        if (Directory.Exists(Old)) Directory.Delete(Old, recursive: true);
    }

    /// <summary>Writes where a run stands into a checkpoint folder.</summary>
    public static void SaveState<T>(string folder, T state) => File.WriteAllText(System.IO.Path.Combine(folder, StateFile), JsonSerializer.Serialize(state, TrainJson.Options));

    /// <summary>Adds to the checkpoint where it comes from and what it was measured to do; export carries it into the package's manifest.</summary>
    public void SaveProvenance(Provenance provenance) => CheckpointProvenance.Write(Checkpoint, provenance);

    /// <summary>Where the run stands; null when it has not begun.</summary>
    public RunState? State() => State<RunState>();

    /// <inheritdoc cref="State()"/>
    public T? State<T>()
        where T : class
    {
        if (!Directory.Exists(Checkpoint) && Directory.Exists(Old)) Directory.Move(Old, Checkpoint);
        var file = System.IO.Path.Combine(Checkpoint, StateFile);
        return File.Exists(file) ? JsonSerializer.Deserialize<T>(File.ReadAllText(file), TrainJson.Options) : null;
    }

    /// <summary>Takes up weights and optimizer state of the checkpoint.</summary>
    public void Restore(QwenVl model, AuxiliaryHeads heads, Optimizer optimizer)
    {
        using (var weights = SafeTensors.Open(System.IO.Path.Combine(Checkpoint, "model.safetensors"))) ModelWeights.Fill(model, weights);
        using (var weights = SafeTensors.Open(System.IO.Path.Combine(Checkpoint, HeadsFile))) ModelWeights.Fill(heads, weights);
        using var moments = SafeTensors.Open(System.IO.Path.Combine(Checkpoint, OptimizerFile));
        optimizer.Restore(moments);
    }
}
