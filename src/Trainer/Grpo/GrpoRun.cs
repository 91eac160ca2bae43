using Vlm.Trainer.Config;
using Vlm.Trainer.Data;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;
using Vlm.Trainer.Runs;
using static TorchSharp.torch;

namespace Vlm.Trainer.Grpo;

/// <summary>A run of reinforcement learning from a checkpoint, or on from its own.</summary>
internal sealed class GrpoRun : IDisposable
{
    private readonly GrpoConfig config;
    private readonly RunFolder folder;
    private readonly GrpoCheckpoint checkpoint;
    private readonly QwenVl model;
    private readonly LoraAdapters? adapters;
    private readonly ReferencePolicy? reference;
    private readonly Optimizer optimizer;
    private readonly BatchStream<IReadOnlyList<PolicyPrompt>> draws;
    private readonly RolloutCollector collector;
    private readonly PolicyUpdate update;
    private readonly Probe probe;
    private GrpoState state;

    public GrpoRun(GrpoConfig config, RunFolder folder)
    {
        (this.config, this.folder) = (config, folder);
        set_num_threads(config.Threads);
        checkpoint = new GrpoCheckpoint(folder, config.From);
        Compute = ComputeChoice.Choose(config.Compute, checkpoint.State?.Compute, ComputeProbe.Measure);
        manual_seed(config.Seed);
        model = checkpoint.Model();
        model.ComputeType = ComputeTypes.Scalar(Compute.Types.Products);
        model.GradientCheckpointing = config.GradientCheckpointing;
        if (config.Bf16Weights) ModelWeights.ToBfloat16(model);
        adapters = config.Lora is null ? null : LoraAdapters.Attach(model, config.Lora);
        optimizer = new Optimizer(adapters?.Parameters ?? [.. model.named_parameters()], config.Optimizer, ComputeTypes.Scalar(Compute.Types.Orthogonalization));
        reference = config.Reference.Kind == ReferenceKind.None ? null : new ReferencePolicy(model, config.Reference, config.Temperature);
        state = (checkpoint.State ?? new GrpoState(0, 0, null)) with { Compute = Compute.Types };
        if (checkpoint.State is not null) checkpoint.Restore(model, optimizer, reference);

        var input = checkpoint.Input();
        var source = new PromptSource(config, input);
        var sampler = new RolloutSampler(model, input.Tokenizer, input.Template, new RolloutOptions(config.GroupSize, config.Temperature, config.MaxTokens, config.Seed));
        draws = new BatchStream<IReadOnlyList<PolicyPrompt>>(source.At, state.Drawn, config.Drawers, ahead: config.PromptsPerStep);
        collector = new RolloutCollector(config, sampler, source, draws, state.Drawn);
        update = new PolicyUpdate(model, reference, optimizer, config);
        probe = new Probe(config.ProbePuzzles, input.Pictures, input.Tokenizer, input.Template);
    }

    /// <summary>What the run computes in, and why.</summary>
    public ComputeChoice Compute { get; }

    /// <summary>Numbers trained.</summary>
    public long ParameterCount => adapters?.Count ?? model.parameters().Sum(p => p.numel());

    /// <summary>Runs what is left; stops between two steps, with a checkpoint, when asked to.</summary>
    public void Run(CancellationToken stop)
    {
        using var log = new RunLog(folder.Path, state.Step);
        TrainingProgress.Run(config.Name, config.Steps, linesEvery: 1, progress =>
        {
            if (state.Step == 0) log.Log(0, Probe(progress));
            while (state.Step < config.Steps && !stop.IsCancellationRequested)
            {
                using var scope = NewDisposeScope();
                var timer = new StepTimer();
                var rollouts = collector.Collect(state.Step);                                // sample, reward, replace groups without signal
                var rows = PolicyRows.Of(rollouts.Learned, config, state.Step);              // advantages
                var learned = update.Run(rows, state.Step, LearningRate(config, state.Step));   // old and reference, µ passes of minibatches
                state = state with { Step = state.Step + 1, Drawn = collector.Drawn };
                reference?.Follow(model, state.Step);
                Log(log, progress, rollouts, [.. GrpoMetrics.Of(rollouts), .. learned, .. timer.Of(rollouts, collector.Waited)]);
                if (state.Step % config.CheckpointEvery == 0) Save(log);
            }
            Save(log);
            if (!stop.IsCancellationRequested) Report(progress);
        });
    }

    private void Log(RunLog log, TrainingProgress progress, CollectedRollouts rollouts, IReadOnlyList<KeyValuePair<string, double>> metrics)
    {
        var values = metrics.ToDictionary(m => $"grpo/{m.Key}", m => m.Value);
        values["grpo/learning_rate"] = LearningRate(config, state.Step - 1);
        if (state.Step % config.ProbeEvery == 0)
            foreach (var (name, value) in Probe(progress)) values[name] = value;
        log.Log(state.Step, values);
        progress.Report(new TrainingStep(state.Step, values["grpo/reward/total"], state.ExactMatch, rollouts.Completions.Count()) { Measure = "reward", Unit = "completions" });
        if (state.Step % config.SamplesEvery != 0) return;
        progress.Note("  " + string.Join(", ", metrics.Where(m => !m.Key.StartsWith("sampling_end", StringComparison.Ordinal)).Select(m => $"{m.Key} {m.Value:G3}")));
        foreach (var line in SampleTable.Lines(rollouts)) progress.Note(line);
        SampleTable.Write(folder.Path, state.Step, rollouts);
    }

    private Dictionary<string, double> Probe(TrainingProgress progress)
    {
        var result = probe.Of(model);
        state = state with { ExactMatch = result.Clean };
        progress.Note($"step {state.Step}: exact match {result}");
        return result.Kinds.ToDictionary(kind => $"grpo/exact_{kind.Kind}", kind => kind.Share);
    }

    /// <summary>The probe once more at the end, in float32 as the exported model computes.</summary>
    private void Report(TrainingProgress progress)
    {
        model.ComputeType = float32;
        var result = probe.Of(model);
        progress.Note($"final: {result}");
        File.WriteAllText(Path.Combine(folder.Path, "evaluation.md"), result.ToMarkdown($"{config.Name}, step {state.Step}"));
        folder.SaveProvenance(new Vlm.Package.Provenance
        {
            Command = $"grpo configs/{config.Name}.json",
            Config = $"configs/{config.Name}.json, step {state.Step}, from {config.From}; {Compute.Types}",
            Seed = config.Seed,
            Commit = SourceCommit.Current(),
            Accuracy = result.Kinds.ToDictionary(k => k.Kind, k => k.Share),
        });
    }

    private void Save(RunLog log)
    {
        checkpoint.Save(model, optimizer, reference, state);
        GrpoPlots.Draw(log, config);
    }

    /// <summary>Rises over the warm-up, then constant.</summary>
    internal static double LearningRate(GrpoConfig config, long step) => config.LearningRate * Math.Min(1, (step + 1.0) / Math.Max(1, config.WarmUp));

    public void Dispose()
    {
        draws.Dispose();
        optimizer.Dispose();
        reference?.Dispose();
        adapters?.Dispose();
        model.Dispose();
    }
}
