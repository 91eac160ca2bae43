using System.Text.Json.Serialization;
using Vlm.Puzzles;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;

namespace Vlm.Trainer.Config;

/// <summary>A whole supervised training run: <c>configs/*.json</c>. Unknown members are errors.</summary>
public sealed record TrainConfig
{
    /// <summary>Name of the run: its folder is <c>runs/&lt;name&gt;</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Seed of weights, pictures and messages.</summary>
    public required long Seed { get; init; }

    /// <summary>Sizes of the model, in the layout of config.json.</summary>
    public required VlmSizes Model { get; init; }

    /// <summary>
    /// Checkpoint folder that a fresh run starts from, of a model with the same sizes; null: from random weights. The optimizer starts fresh.
    /// </summary>
    public string? From { get; init; }

    /// <summary>Least and greatest number of pixels of a picture after resizing.</summary>
    public required int MinPixels { get; init; }

    /// <inheritdoc cref="MinPixels"/>
    public required int MaxPixels { get; init; }

    /// <summary>Threads for tensor arithmetic; more than there are free cores is ten times slower. ≥ 1.</summary>
    public int Threads { get; init; } = 2;

    /// <summary>Threads that draw pictures. ≥ 1.</summary>
    public int Drawers { get; init; } = 1;

    /// <summary>
    /// Products in bfloat16, true or false; weights stay float32. "auto": whichever is faster on this machine, measured at the start of a run and kept by it.
    /// </summary>
    [JsonPropertyName("bfloat16"), JsonConverter(typeof(Bfloat16Switch))]
    public ComputeType ComputeType { get; init; } = ComputeType.Auto;

    /// <summary><c>cpu</c>, or <c>cuda:0</c> where TorchSharp has it.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Keeps only the input of every block for the backward pass and computes the rest again: less memory, about a third more time.</summary>
    public bool GradientCheckpointing { get; init; }

    /// <summary>Weights in bfloat16 with a float32 master copy in the optimizer.</summary>
    public bool Bf16Weights { get; init; }

    /// <summary>Steps between checkpoints. ≥ 1.</summary>
    public int CheckpointEvery { get; init; } = 250;

    /// <summary>Steps between probes: exact match of free-running greedy replies on fixed puzzles. ≥ 1.</summary>
    public int ProbeEvery { get; init; } = 250;

    /// <summary>Puzzles per kind in a probe. ≥ 1.</summary>
    public int ProbePuzzles { get; init; } = 32;

    /// <summary>Puzzles per kind in the report at the end. ≥ 1.</summary>
    public int FinalPuzzles { get; init; } = 200;

    /// <summary>Moments, decay, clipping.</summary>
    public OptimizerConfig Optimizer { get; init; } = new();

    /// <summary>Stages in order.</summary>
    public required IReadOnlyList<StageConfig> Stages { get; init; }

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="InvalidDataException">The file is not such a configuration; the message says where.</exception>
    public static TrainConfig Load(string path)
    {
        var config = TrainJson.Load<TrainConfig>(path, "a training configuration");
        config.Validate(path);
        return config;
    }

    /// <summary>Writes the configuration as it was understood, defaults included.</summary>
    public void Save(string path) => TrainJson.Save(path, this);

    private void Validate(string path)
    {
        if (Stages.Count == 0) throw new InvalidDataException($"{path}: 'stages' is empty; give at least one.");
        foreach (var stage in Stages)
        {
            if (stage.Steps < 1 || stage.Pictures < 0 || stage.Pictures + stage.TextRows < 1)
            {
                throw new InvalidDataException(
                    $"{path}: stage '{stage.Name}' has {stage.Steps} steps of {stage.Pictures} pictures and {stage.TextRows} text rows; " +
                    "expected at least one step and one picture or row.");
            }

            if (stage.Surveys is not (>= 0 and <= 1))
                throw new InvalidDataException($"{path}: stage '{stage.Name}' has surveys {stage.Surveys}; expected a share from 0 to 1.");
            if (stage.Trains == TrainedPart.Tower && stage.Losses.Reply > 0)
            {
                throw new InvalidDataException(
                    $"{path}: stage '{stage.Name}' trains the tower alone but weighs the reply loss; set losses.reply to 0 or trains to \"everything\".");
            }
        }
    }
}

/// <summary>Which parameters a stage moves.</summary>
public enum TrainedPart
{
    /// <summary>Vision tower and merger.</summary>
    Tower,

    /// <summary>All.</summary>
    Everything,

    /// <summary>All but vision tower and merger.</summary>
    Decoder,
}

/// <summary>Which parameters are whose.</summary>
internal static class TrainedParts
{
    private const string Tower = "visual.";

    /// <summary>Whether training a part moves a weight of the model.</summary>
    /// <param name="part">What is trained.</param>
    /// <param name="weight">The weight's name.</param>
    public static bool Moves(this TrainedPart part, string weight)
        => part == TrainedPart.Everything || (part == TrainedPart.Tower) == weight.StartsWith(Tower, StringComparison.Ordinal);
}

/// <summary>How much of a reply is taught.</summary>
public enum ReplyKind
{
    /// <summary>Nothing: only the tower is trained.</summary>
    None,

    /// <summary>The mapping lines alone, over all letters in random order.</summary>
    Mapping,

    /// <summary>Mapping lines, decoded letters and answer.</summary>
    Whole,
}

/// <summary>One stage of a run.</summary>
public sealed record StageConfig
{
    /// <summary>Shown and logged.</summary>
    public required string Name { get; init; }

    /// <summary>Optimizer steps.</summary>
    public required int Steps { get; init; }

    /// <summary>Pictures per step.</summary>
    public required int Pictures { get; init; }

    /// <summary>Replies learned about each picture: the tower runs once for all of them.</summary>
    public int RepliesPerPicture { get; init; } = 1;

    /// <summary>Share of whole replies, 0 to 1, that are mapping lines over the whole alphabet instead: those of the message first.</summary>
    public double Surveys { get; init; }

    /// <summary>Rows per step without a picture, to practise copying.</summary>
    public int TextRows { get; init; }

    /// <summary>What is trained.</summary>
    public required TrainedPart Trains { get; init; }

    /// <summary>How much of a reply is taught.</summary>
    public required ReplyKind Reply { get; init; }

    /// <summary>Weights of the losses.</summary>
    public required LossWeights Losses { get; init; }

    /// <summary>Peak step size.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Step size at the end as a share of the peak: the cosine goes down to it.</summary>
    public double FinalShare { get; init; } = 1;

    /// <summary>Steps over which the step size rises from 0.</summary>
    public int WarmUp { get; init; } = 50;

    /// <summary>Micro-batches that a step is cut into; gradients add up. ≥ 1.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>What is drawn.</summary>
    public required PictureMix DrawnPictures { get; init; }

    /// <summary>What is the matter with the pictures; nothing by default.</summary>
    public StratumMix Strata { get; init; } = new();

    /// <summary>What is asked.</summary>
    public MessageConfig Messages { get; init; } = new();
}

/// <summary>What each loss counts; 0 leaves it out. All ≥ 0.</summary>
public sealed record LossWeights
{
    /// <summary>Letters from patches after the second vision block.</summary>
    public double Glyphs { get; init; }

    /// <summary>Pairs from image tokens.</summary>
    public double Pairs { get; init; }

    /// <summary>Attention of the pointer head.</summary>
    public double Pointer { get; init; }

    /// <summary>Next token of the reply.</summary>
    public double Reply { get; init; }
}

/// <summary>What messages a stage asks about.</summary>
public sealed record MessageConfig
{
    /// <summary>Share of messages that are random letters instead of words, 0 to 1: they cannot be guessed, so they must be read.</summary>
    public double Letters { get; init; } = 0.3;

    /// <summary>Messages have 1 to this many words. ≥ 1.</summary>
    public int MostWords { get; init; } = 3;
}
