using Vlm.CommandLine;
using Vlm.Trainer.Config;
using Vlm.Trainer.Data;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;
using Vlm.Trainer.Runs;
using Vlm.Trainer.Sampling;
using static TorchSharp.torch;

namespace Vlm.Trainer.Grpo;

/// <summary>A run of reinforcement learning from a checkpoint, or on from its own.</summary>
internal sealed class GrpoRun : IDisposable
{
    private readonly GrpoConfig _config;
    private readonly RunFolder _folder;
    private readonly GrpoCheckpoint _checkpoint;
    private readonly QwenVl _model;
    private readonly LoraAdapters? _adapters;
    private readonly ReferencePolicy? _reference;
    private readonly Optimizer _optimizer;
    private readonly BatchStream<IReadOnlyList<PolicyPrompt>> _draws;
    private readonly VllmSampler? _servers;
    private readonly RolloutCollector _collector;
    private readonly PolicyUpdate _update;
    private readonly PictureReader _reader;
    private readonly Probe? _probe;
    private GrpoState _state;

    public GrpoRun(GrpoConfig config, RunFolder folder)
    {
        (_config, _folder) = (config, folder);
        set_num_threads(config.Threads);
        _checkpoint = new GrpoCheckpoint(folder, config.From);
        var device = Compute.FindDevice(config.Device);
        Choice = ComputeChoice.Choose(config.ComputeType, _checkpoint.State?.Compute, () => ComputeProbe.Measure(device));
        manual_seed(config.Seed);
        var compute = Choice.Types.On(device, config.Bf16Weights);
        _model = _checkpoint.Model(compute);
        _model.GradientCheckpointing = config.GradientCheckpointing;
        _adapters = config.Lora is null ? null : LoraAdapters.Attach(_model, config.Lora);
        _optimizer = new Optimizer(
            _adapters?.Parameters ?? [.. _model.named_parameters()], config.Optimizer, compute);
        _reference = config.Reference.Kind == ReferenceKind.None ? null : new ReferencePolicy(
            _model, config.Reference, config.Temperature, config.SharePrompts);
        _state = (_checkpoint.State ?? new GrpoState(0, 0, null)) with { Compute = Choice.Types };
        if (_checkpoint.State is not null) _checkpoint.Restore(_model, _optimizer, _reference);

        if (config.Trains != TrainedPart.Everything) _optimizer.Choose(name => config.Trains.Moves(name));
        _reader = new PictureReader(_model, remembers: config.Trains == TrainedPart.Decoder);

        var input = _checkpoint.Input();
        var source = new PromptSource(config, input);
        var options = new RolloutOptions(config.GroupSize, config.Temperature, config.MaxTokens, config.Seed);
        _servers = config.Vllm is null ? null : new VllmSampler(config.Vllm, options, input, _model, folder.Path);
        IRolloutSampler sampler = _servers is not null ? _servers
            : config.Rollouts == RolloutKind.Held ? new HeldSampler(_model, input, options, _reader)
            : new RolloutSampler(_model, input.Tokenizer, input.Template, options, _reader);
        _draws = new BatchStream<IReadOnlyList<PolicyPrompt>>(source.At, _state.Drawn, config.Drawers, ahead: config.PromptsPerStep);
        _collector = new RolloutCollector(config, sampler, source, _draws, _state);
        _update = new PolicyUpdate(_model, _reference, _optimizer, config, _reader);
        _probe = config.ProbePuzzles == 0 ? null : new Probe(config.ProbePuzzles, input, held: config.Rollouts == RolloutKind.Held);
    }

    /// <summary>What the run computes in, and why.</summary>
    public ComputeChoice Choice { get; }

    /// <summary>Numbers trained.</summary>
    public long ParameterCount => _adapters?.Count ?? _model.parameters().Where(p => p.requires_grad).Sum(p => p.numel());

    /// <summary>Runs what is left; stops between two steps, with a checkpoint, when asked to.</summary>
    public void Run(CancellationToken stop)
    {
        using var log = new RunLog(_folder.Path, _state.Step);
        Progress.Run(StepLine.Plan(_config.Name, _config.Steps, _state.Step, "completions") with { LineEvery = TimeSpan.Zero }, progress =>
        {
            if (_state.Step == 0 && _probe is not null) log.Log(0, Probe(_probe, progress));
            while (_state.Step < _config.Steps && !stop.IsCancellationRequested)
            {
                using var scope = NewDisposeScope();
                var timer = new StepTimer();
                var rollouts = _collector.Collect(_state.Step);                                // sample, reward, replace groups without signal
                var rows = PolicyRow.Of(rollouts.Learned, _config, _state.Step);               // advantages
                var learned = _update.Run(rows, _state.Step, LearningRate(_config, _state.Step));   // old and reference, µ passes of minibatches
                _state = _state with { Step = _state.Step + 1, Drawn = _collector.Drawn, Revisit = _collector.Revisit };
                _reference?.Follow(_model, _state.Step);
                _reader.Forget();
                Log(log, progress, rollouts,
                    [.. GrpoMetrics.Of(rollouts), .. learned, .. timer.Of(rollouts, _collector.Waited), .. _servers?.TakeCounts() ?? []]);
                if (_state.Step % _config.CheckpointEvery == 0) Save(log);
            }
            Save(log);
            if (!stop.IsCancellationRequested && _probe is not null) Report(_probe, progress);
        });
    }

    private void Log(RunLog log, Progress progress, CollectedRollouts rollouts, IReadOnlyList<KeyValuePair<string, double>> metrics)
    {
        var values = metrics.ToDictionary(m => $"grpo/{m.Key}", m => m.Value);
        values["grpo/learning_rate"] = LearningRate(_config, _state.Step - 1);
        if (_probe is not null && _state.Step % _config.ProbeEvery == 0)
            foreach (var (name, value) in Probe(_probe, progress)) values[name] = value;
        log.Log(_state.Step, values);
        progress.Add(1, StepLine.Detail("reward", values["grpo/reward/total"], _state.ExactMatch), rollouts.Completions.Count());
        if (_state.Step % _config.SamplesEvery != 0) return;
        progress.Note(
            "  " + string.Join(", ", metrics.Where(m => !m.Key.StartsWith("sampling_end", StringComparison.Ordinal)).Select(m => $"{m.Key} {m.Value:G3}")));
        foreach (var line in SampleTable.Lines(rollouts)) progress.Note(line);
        SampleTable.Write(_folder.Path, _state.Step, rollouts);
    }

    private Dictionary<string, double> Probe(Probe probe, Progress progress)
    {
        var result = probe.Of(_model);
        _state = _state with { ExactMatch = result.Clean };
        progress.Note($"step {_state.Step}: exact match {result}");
        return result.Kinds.ToDictionary(kind => $"grpo/exact_{kind.Kind}", kind => kind.Share);
    }

    /// <summary>The probe once more at the end, in float32 as the exported model computes.</summary>
    private void Report(Probe probe, Progress progress)
    {
        _model.ComputeType = float32;
        var result = probe.Of(_model);
        progress.Note($"final: {result}");
        File.WriteAllText(Path.Combine(_folder.Path, "evaluation.md"), result.ToMarkdown($"{_config.Name}, step {_state.Step}"));
        _folder.SaveProvenance(new Vlm.Package.Provenance
        {
            Command = $"grpo configs/{_config.Name}.json",
            Config = $"configs/{_config.Name}.json, step {_state.Step}, from {_config.From}; {Choice.Types}",
            Seed = _config.Seed,
            Commit = SourceCommit.Current(),
            Accuracy = result.Kinds.ToDictionary(k => k.Kind, k => k.Share),
        });
    }

    private void Save(RunLog log)
    {
        _checkpoint.Save(_model, _optimizer, _reference, _state);
        GrpoPlots.Draw(log, _config);
        GrpoNote.Write(_folder.Path, _config, _state, Choice);
    }

    /// <summary>Linear warm-up, then a cosine to the final share.</summary>
    internal static double LearningRate(GrpoConfig config, long step)
    {
        var warm = Math.Min(1, (step + 1.0) / Math.Max(1, config.WarmUp));
        var cosine = 0.5 * (1 + Math.Cos(Math.PI * step / config.Steps));
        return config.LearningRate * warm * (config.FinalShare + (1 - config.FinalShare) * cosine);
    }

    public void Dispose()
    {
        _draws.Dispose();
        _servers?.Dispose();
        _reader.Dispose();
        _optimizer.Dispose();
        _reference?.Dispose();
        _adapters?.Dispose();
        _model.Dispose();
    }
}
