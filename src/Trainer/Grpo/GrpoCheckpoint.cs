using Vlm.Model;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;
using Vlm.Trainer.Runs;
using Vlm.Trainer.Sampling;

namespace Vlm.Trainer.Grpo;

/// <summary>Where a run stands.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Drawn">Draws of prompts taken, those without signal included.</param>
/// <param name="ExactMatch">Of the last probe, 0 to 1; null before the first.</param>
/// <param name="Compute">What the run computes in; null in checkpoints that do not say.</param>
/// <param name="Revisit">Draws that are to be asked again, in order; null in checkpoints that do not say.</param>
internal sealed record GrpoState(long Step, long Drawn, double? ExactMatch, ComputeTypes? Compute = null, long[]? Revisit = null);

/// <summary>
/// The folder that a run goes on from: its own checkpoint, or that of the configuration at the start. What is written has the same files, so
/// that every command that takes a checkpoint takes it, and beside them a <c>training</c> folder for exact resuming.
/// </summary>
internal sealed class GrpoCheckpoint
{
    private const string OptimizerFile = "training/optimizer.safetensors", ReferenceFile = "training/reference.safetensors", AdapterFolder = "adapter";
    private readonly RunFolder _folder;
    private readonly string _origin;
    private readonly Dictionary<string, byte[]> _carried;

    /// <exception cref="InvalidDataException">Neither folder is a checkpoint.</exception>
    public GrpoCheckpoint(RunFolder folder, string from)
    {
        _folder = folder;
        State = folder.State<GrpoState>();
        _origin = State is null ? from : folder.Checkpoint;
        if (!Directory.Exists(_origin))
            throw new InvalidDataException($"'from' is '{from}', which is no folder. Give a checkpoint: a folder with config.json and model.safetensors.");
        _carried = Directory.GetFiles(_origin).Where(IsCarried).ToDictionary(file => Path.GetFileName(file), File.ReadAllBytes);
    }

    /// <summary>Where the run stands; null when it has not begun.</summary>
    public GrpoState? State { get; }

    /// <summary>The policy.</summary>
    public QwenVl Model(Compute compute)
    {
        using var checkpoint = CheckpointFolder.Open(_origin);
        return ModelWeights.Load(checkpoint, compute);
    }

    /// <summary>How the policy takes pictures and prompts.</summary>
    public CheckpointInput Input() => CheckpointInput.Load(_origin);

    /// <summary>Takes up adapters, momenta and the reference of a resumed run.</summary>
    public void Restore(QwenVl model, Optimizer optimizer, ReferencePolicy? reference)
    {
        model.Adapters?.Fill(Path.Combine(_origin, AdapterFolder));
        using var moments = SafeTensors.Open(Path.Combine(_origin, OptimizerFile));
        optimizer.Restore(moments);
        if (reference is { IsShared: false }) reference.Restore(Path.Combine(_origin, ReferenceFile));
    }

    public void Save(QwenVl model, Optimizer optimizer, ReferencePolicy? reference, GrpoState state) => _folder.Replace(target =>
    {
        foreach (var (name, bytes) in _carried) File.WriteAllBytes(Path.Combine(target, name), bytes);
        SafeTensors.Write(Path.Combine(target, "model.safetensors"), ModelWeights.Tensors(model));
        SafeTensors.Write(Path.Combine(target, OptimizerFile), optimizer.State());
        model.Adapters?.Save(Path.Combine(target, AdapterFolder));
        if (reference is { IsShared: false }) SafeTensors.Write(Path.Combine(target, ReferenceFile), reference.Weights());
        RunFolder.SaveState(target, state);
    });

    /// <summary>Everything but weights, which are written again, and what was said about the old ones.</summary>
    private static bool IsCarried(string file) => !file.EndsWith(".safetensors", StringComparison.Ordinal)
        && Path.GetFileName(file) is not ("model.safetensors.index.json" or "provenance.json");
}
