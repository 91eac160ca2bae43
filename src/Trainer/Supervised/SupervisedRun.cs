using Vlm.CommandLine;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Trainer.Config;
using Vlm.Trainer.Data;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;
using Vlm.Trainer.Runs;
using Vlm.Trainer.Sampling;
using static TorchSharp.torch;

namespace Vlm.Trainer.Supervised;

/// <summary>A supervised run from nothing, or on from its checkpoint: stages of steps.</summary>
internal sealed class SupervisedRun : IDisposable
{
    private const string AuxiliaryPrefix = "auxiliary.";
    private static readonly string[] ProbeKinds = ["words_1", "words_2", "words_3", "letters", "fonts", "camera", "absent", "covered", "contradictory",
        "reversed", "empty", "two"];
    private readonly TrainConfig _config;
    private readonly RunFolder _folder;
    private readonly SupervisedCheckpoint _checkpoint;
    private readonly QwenVl _model;
    private readonly AuxiliaryHeads _heads;
    private readonly Optimizer _optimizer;
    private readonly RowBuilder _rows;
    private readonly CheckpointInput _input;
    private readonly Probe _probe;
    private SupervisedState _state;

    public SupervisedRun(TrainConfig config, RunFolder folder)
    {
        _config = config;
        _folder = folder;
        set_num_threads(config.Threads);
        _checkpoint = new SupervisedCheckpoint(folder);
        _state = _checkpoint.State ?? new SupervisedState(0, null);
        var device = Compute.FindDevice(config.Device);
        Choice = ComputeChoice.Choose(config.ComputeType, _state.Compute, () => ComputeProbe.Measure(device));
        _state = _state with { Compute = Choice.Types };
        manual_seed(config.Seed);
        var compute = Choice.Types.On(device, config.Bf16Weights);
        _model = new QwenVl(ModelPreset.Config(config.Model), compute) { GradientCheckpointing = config.GradientCheckpointing };
        _heads = new AuxiliaryHeads(_model.Config, compute);
        // Before the optimizer, which may keep float32 masters of what it finds.
        Start = Begin();
        _optimizer = new Optimizer(
            [.. _model.named_parameters().Concat(_heads.named_parameters(recurse: true).Select(p => (AuxiliaryPrefix + p.name, p.parameter)))],
            config.Optimizer, compute);
        if (_state.Step > 0) _checkpoint.Restore(_model, _heads, _optimizer);
        _input = new CheckpointInput(ModelPreset.Pictures(config), folder.Tokenizer(), PromptTemplate.Small);
        _rows = new RowBuilder(_input.Tokenizer, _input.Template, _model.Config);
        _probe = new Probe(config.ProbePuzzles, _input, HasStrata);
    }

    /// <summary>What the run starts from, for people.</summary>
    public string Start { get; }

    /// <summary>What the run computes in, and why.</summary>
    public ComputeChoice Choice { get; }

    /// <summary>Weights trained.</summary>
    public long ParameterCount => _model.parameters().Sum(p => p.numel());

    private bool HasStrata => _config.Stages.Any(stage => stage.Strata != new StratumMix());

    /// <summary>Sets the weights that the run does not take from its own checkpoint.</summary>
    private string Begin()
    {
        if (_state.Step > 0) return $"on from step {_state.Step}";
        InitialWeights.Draw(_heads);
        if (_config.From is not null) return StartingWeights.Take(_config.From, _model, _heads);
        InitialWeights.Draw(_model);
        return "random weights";
    }

    /// <summary>Runs what is left of the stages; stops between two steps, with a checkpoint, when asked to.</summary>
    public void Run(CancellationToken stop)
    {
        using var log = new RunLog(_folder.Path, _state.Step);
        Progress.Run(StepLine.Plan(_config.Name, _config.Stages.Sum(s => (long)s.Steps), _state.Step, "pictures"), progress =>
        {
            long first = 0;
            for (var s = 0; s < _config.Stages.Count && !stop.IsCancellationRequested; first += _config.Stages[s++].Steps)
                if (_state.Step < first + _config.Stages[s].Steps) RunStage(s, first, log, progress, stop);
            Save(log);
            if (!stop.IsCancellationRequested) Report(progress);
        });
    }

    private void RunStage(int index, long first, RunLog log, Progress progress, CancellationToken stop)
    {
        var stage = _config.Stages[index];
        progress.Note($"stage '{stage.Name}': {stage.Steps} steps of {stage.Pictures * stage.Accumulate} pictures, from step {_state.Step - first}");
        var maker = new BatchMaker(stage, index, _config.Seed, _input.Pictures, _rows);
        using var batches = new BatchStream<TrainingBatch>(maker.Make, (_state.Step - first) * stage.Accumulate, _config.Drawers);
        var loss = new SupervisedLoss(_model, _heads, stage.Losses);
        _optimizer.Choose(name => IsTrained(stage.Trains, name));
        while (_state.Step < first + stage.Steps && !stop.IsCancellationRequested)
        {
            using var scope = NewDisposeScope();
            var rate = LearningRate(stage, _state.Step - first);
            var metrics = Step(stage, batches, loss, rate);
            _state = _state with { Step = _state.Step + 1 };
            if (_state.Step % _config.ProbeEvery == 0 && stage.Reply == ReplyKind.Whole) Evaluate(metrics, progress);
            metrics["learning_rate"] = rate;
            metrics["waited_s"] = batches.Waited.TotalSeconds;
            log.Log(_state.Step, metrics.ToDictionary(m => $"train/{m.Key}", m => m.Value));
            progress.Add(1, StepLine.Detail("loss", metrics["loss"], _state.ExactMatch), stage.Pictures * stage.Accumulate);
            if (_state.Step % 20 == 0) progress.Note("  " + string.Join(", ", metrics.Where(m => m.Key is not "loss").Select(m => $"{m.Key} {m.Value:G3}")));
            if (_state.Step % _config.CheckpointEvery == 0) Save(log);
        }
    }

    /// <summary>One optimizer step over the stage's micro-batches.</summary>
    private Dictionary<string, double> Step(StageConfig stage, BatchStream<TrainingBatch> batches, SupervisedLoss loss, double learningRate)
    {
        _optimizer.DropGradients();
        var means = new MetricMeans();
        for (var micro = 0; micro < stage.Accumulate; micro++)
        {
            using var scope = NewDisposeScope();
            var (value, metrics) = loss.Of(batches.Next());
            using TorchSharp.Scalar share = 1.0 / stage.Accumulate;
            value?.mul(share).backward();
            foreach (var (name, number) in metrics) means.Add(name, number, 1);
        }
        means.Add("gradient_norm", _optimizer.Step(learningRate), 1);
        return means.Values();
    }

    private void Evaluate(Dictionary<string, double> metrics, Progress progress)
    {
        var result = _probe.Of(_model);
        _state = _state with { ExactMatch = result.Clean };
        foreach (var kind in result.Kinds) metrics[$"exact_{kind.Kind}"] = kind.Share;
        progress.Note($"step {_state.Step}: exact match {result}");
    }

    /// <summary>The evaluation at the end, on more puzzles than the probes, in float32 as the exported model computes.</summary>
    private void Report(Progress progress)
    {
        _model.ComputeType = float32;
        var result = new Probe(_config.FinalPuzzles, _input, HasStrata).Of(_model);
        progress.Note($"final: {result}");
        File.WriteAllText(System.IO.Path.Combine(_folder.Path, "evaluation.md"), result.ToMarkdown($"{_config.Name}, step {_state.Step}"));
        File.WriteAllText(System.IO.Path.Combine(_folder.Path, "evaluation.json"), System.Text.Json.JsonSerializer.Serialize(result, TrainJson.Options));
        _folder.SaveProvenance(new Provenance
        {
            Command = $"train configs/{_config.Name}.json",
            Config = $"configs/{_config.Name}.json, step {_state.Step}" + (_config.From is null ? "" : $", from {_config.From}") + $"; {Choice.Types}",
            Seed = _config.Seed,
            Commit = SourceCommit.Current(),
            Accuracy = result.Kinds.ToDictionary(k => k.Kind, k => k.Share),
        });
    }

    private void Save(RunLog log)
    {
        _checkpoint.Save(_model, _heads, _optimizer, _state, _input.Pictures);
        log.Plot("loss", new PlotStyle("Losses", IsLog: true, Smoothing: 0.95), "train/loss", "train/loss_glyphs", "train/loss_coded", "train/loss_plain",
            "train/loss_pointer", "train/loss_reply");
        log.Plot("read", new PlotStyle("Read, looked up, copied (share right, within the training batches)", Smoothing: 0.95), "train/read", "train/look_up",
            "train/copy", "train/pointer_right");
        log.Plot("exact", new PlotStyle("Exact match of free replies on the probe"), [.. ProbeKinds.Select(k => $"train/exact_{k}")]);
    }

    /// <summary>Whether a stage moves a parameter. The read-outs belong to whatever is trained: they exist for its losses alone.</summary>
    internal static bool IsTrained(TrainedPart part, string name)
        => name.StartsWith(AuxiliaryPrefix, StringComparison.Ordinal) || part.Moves(name);

    /// <summary>Linear warm-up, then a cosine from the peak to its final share.</summary>
    internal static double LearningRate(StageConfig stage, long step)
    {
        var warm = Math.Min(1, (step + 1.0) / Math.Max(1, stage.WarmUp));
        var cosine = 0.5 * (1 + Math.Cos(Math.PI * step / stage.Steps));
        return stage.LearningRate * warm * (stage.FinalShare + (1 - stage.FinalShare) * cosine);
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _heads.Dispose();
        _model.Dispose();
    }
}
