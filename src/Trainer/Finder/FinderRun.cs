using Vlm.CommandLine;
using Vlm.Model;
using Vlm.Puzzles;
using Vlm.Trainer.Data;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;
using Vlm.Trainer.Runs;
using static TorchSharp.torch;

namespace Vlm.Trainer.Finder;

/// <summary>A run of the sheet finder from nothing, or on from its checkpoint.</summary>
internal sealed class FinderRun : IDisposable
{
    private const string Weights = "model.safetensors", Moments = "training/optimizer.safetensors";

    private readonly FinderConfig _config;
    private readonly RunFolder _folder;
    private readonly FinderNet _net;
    private readonly Optimizer _optimizer;
    private long _step;

    public FinderRun(FinderConfig config, RunFolder folder)
    {
        (_config, _folder) = (config, folder);
        set_num_threads(config.Threads);
        manual_seed(config.Seed);
        _net = new FinderNet();
        _optimizer = new Optimizer(
            [.. _net.named_parameters().Select(p => (p.name, p.parameter))], new OptimizerConfig { Muon = false, Beta2 = 0.99, WeightDecay = 0.01 });
        _step = folder.State<FinderState>()?.Step ?? 0;
        if (_step > 0) Restore();
    }

    /// <summary>Weights trained.</summary>
    public long ParameterCount => _net.parameters().Sum(p => p.numel());

    /// <summary>Where it stands.</summary>
    public long Step => _step;

    /// <summary>Runs what is left; stops between two steps, with a checkpoint, when asked to.</summary>
    /// <param name="stop">Asks it to.</param>
    /// <param name="onStep">Is told of every finished step.</param>
    public void Run(CancellationToken stop, Action<long>? onStep = null)
    {
        using var log = new RunLog(_folder.Path, _step);
        Progress.Run(StepLine.Plan(_config.Name, _config.Steps, _step, "scenes"), progress =>
        {
            var scenes = new SceneBatches(Split.Train, _config.Seed, _config.Empty);
            using var batches = new BatchStream<SceneBatch>(n => scenes.Draw(n, _config.Batch), _step, _config.Drawers);
            while (_step < _config.Steps && !stop.IsCancellationRequested)
            {
                using var scope = NewDisposeScope();
                var metrics = Learn(batches.Next());
                _step++;
                if (_step % _config.ProbeEvery == 0 || _step == _config.Steps) Measure(metrics, progress);
                metrics["waited_s"] = batches.Waited.TotalSeconds;
                log.Log(_step, metrics.ToDictionary(m => $"train/{m.Key}", m => m.Value));
                progress.Add(1, $"loss {metrics["loss"]:G4}", _config.Batch);
                if (_step % _config.CheckpointEvery == 0) Save(log);
                onStep?.Invoke(_step);
            }

            Save(log);
        });
    }

    private Dictionary<string, double> Learn(SceneBatch batch)
    {
        var warm = Math.Min(1, (_step + 1.0) / Math.Max(1, _config.WarmUp));
        var rate = _config.LearningRate * warm * 0.5 * (1 + Math.Cos(Math.PI * _step / _config.Steps));
        _net.train();
        _optimizer.DropGradients();
        var (loss, metrics) = FinderLoss.Of(_net.Of(Frames(batch)), batch);
        loss.backward();
        metrics["gradient_norm"] = _optimizer.Step(rate);
        metrics["loss"] = loss.item<float>();
        metrics["learning_rate"] = rate;
        return metrics;
    }

    private void Measure(Dictionary<string, double> metrics, Progress progress)
    {
        using var noGradient = no_grad();
        _net.eval();
        var batch = new SceneBatches(Split.Scene, _config.Seed, 0.5).Draw(0, _config.ProbeScenes);
        var said = _net.Of(Frames(batch));
        var score = FinderScore.Of(said.Corners.data<float>().ToArray(), said.Seen.select(1, 0).sigmoid().data<float>().ToArray(), batch);
        (metrics["presence"], metrics["false_alarms"], metrics["corner_median"], metrics["corner_95"]) =
            (score.Presence, score.FalseAlarms, score.Median, score.Worst);
        progress.Note($"step {_step}: {score}");
    }

    private static Tensor Frames(SceneBatch batch) => tensor(batch.Frames).view(batch.Count, 1, Finding.FinderInput.Height, Finding.FinderInput.Width);

    private void Save(RunLog log)
    {
        _folder.Replace(target =>
        {
            SafeTensors.Write(Path.Combine(target, Weights), Tensors());
            SafeTensors.Write(Path.Combine(target, Moments), _optimizer.State());
            RunFolder.SaveState(target, new FinderState(_step));
        });
        log.Plot("loss", new PlotStyle("Losses of the sheet finder", IsLog: true, Smoothing: 0.95), "train/loss_heat", "train/loss_mean", "train/loss_seen");
        log.Plot("found", new PlotStyle("Corners: greatest error in shares of the diagonal"), "train/corner_median", "train/corner_95");
    }

    private void Restore()
    {
        using (var file = SafeTensors.Open(Path.Combine(_folder.Checkpoint, Weights)))
        {
            ModelWeights.Fill(_net, file);
            foreach (var (name, buffer) in Statistics()) ModelWeights.Fill(buffer, file.ReadFloats(name));
        }

        using var moments = SafeTensors.Open(Path.Combine(_folder.Checkpoint, Moments));
        _optimizer.Restore(moments);
    }

    private IEnumerable<NamedTensor> Tensors() =>
        ModelWeights.Tensors(_net).Concat(Statistics().OrderBy(s => s.Name, StringComparer.Ordinal).Select(s => ModelWeights.Named(s.Name, s.Buffer)));

    /// <summary>Means and variances that the norms keep for use.</summary>
    private IEnumerable<(string Name, Tensor Buffer)> Statistics() =>
        _net.named_buffers().Where(b => b.name.Contains("running_", StringComparison.Ordinal)).Select(b => (b.name, b.buffer));

    public void Dispose()
    {
        _optimizer.Dispose();
        _net.Dispose();
    }

    private sealed record FinderState(long Step);
}
