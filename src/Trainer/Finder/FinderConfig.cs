using Vlm.Trainer.Config;

namespace Vlm.Trainer.Finder;

/// <summary>A run of the sheet finder: <c>configs/finder.json</c>. Unknown members are errors.</summary>
public sealed record FinderConfig
{
    /// <summary>Name of the run: its folder is <c>runs/&lt;name&gt;</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Seed of weights and scenes.</summary>
    public required long Seed { get; init; }

    /// <summary>Optimizer steps. ≥ 1.</summary>
    public required long Steps { get; init; }

    /// <summary>Scenes in a step. ≥ 2: batch normalisation needs more than one.</summary>
    public int Batch { get; init; } = 32;

    /// <summary>Peak step size of AdamW; warm-up, then a cosine to zero. &gt; 0.</summary>
    public double LearningRate { get; init; } = 0.002;

    /// <summary>Steps of linear warm-up.</summary>
    public int WarmUp { get; init; } = 100;

    /// <summary>Share of scenes without a decoder, 0 to 1.</summary>
    public double Empty { get; init; } = 0.4;

    /// <summary>Threads for tensor arithmetic, and threads that draw. ≥ 1.</summary>
    public int Threads { get; init; } = 1;

    /// <inheritdoc cref="Threads"/>
    public int Drawers { get; init; } = 1;

    /// <summary>Steps between checkpoints, and between measurements. ≥ 1.</summary>
    public int CheckpointEvery { get; init; } = 200;

    /// <inheritdoc cref="CheckpointEvery"/>
    public int ProbeEvery { get; init; } = 500;

    /// <summary>Scenes of a measurement, none of which is ever trained on. ≥ 2.</summary>
    public int ProbeScenes { get; init; } = 256;

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="InvalidDataException">It is no such configuration; the message says where.</exception>
    public static FinderConfig Load(string path)
    {
        var config = TrainJson.Load<FinderConfig>(path, "a configuration of the sheet finder");
        void Check(bool holds, string what)
        {
            if (!holds) throw new InvalidDataException($"{path}: {what}");
        }

        Check(config.Steps >= 1, $"steps is {config.Steps}; expected at least 1.");
        Check(config.Batch >= 2, $"batch is {config.Batch}; expected at least 2.");
        Check(config.LearningRate > 0 && double.IsFinite(config.LearningRate), $"learning_rate is {config.LearningRate}; expected more than 0.");
        Check(config.Empty is >= 0 and < 1, $"empty is {config.Empty}; expected a share from 0 to below 1.");
        Check(Math.Min(config.Threads, config.Drawers) >= 1, "threads and drawers must be at least 1.");
        Check(Math.Min(config.CheckpointEvery, config.ProbeEvery) >= 1, "checkpoint_every and probe_every must be at least 1.");
        Check(config.ProbeScenes >= 2, $"probe_scenes is {config.ProbeScenes}; expected at least 2.");
        return config;
    }
}
