using System.Text.Json.Serialization;
using Vlm.Puzzles;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;

namespace Vlm.Trainer.Config;

/// <summary>What the divergence is measured from.</summary>
public enum ReferenceKind
{
    /// <summary>Nothing; beta must be 0.</summary>
    None,

    /// <summary>The weights at the start.</summary>
    Frozen,

    /// <summary>The weights at the start, moved towards the policy now and then.</summary>
    Resync,
}

/// <summary>The reference policy.</summary>
public sealed record ReferenceConfig
{
    /// <summary>Which.</summary>
    public ReferenceKind Kind { get; init; } = ReferenceKind.None;

    /// <summary>Steps between two moves of a resync reference. ≥ 1.</summary>
    public int Every { get; init; } = 64;

    /// <summary>
    /// How much of the policy a move takes: reference = mixup · policy + (1 − mixup) · reference. Above 0, at most 1. (TR-DPO, arXiv 2404.09656, equation 3.)
    /// </summary>
    public double Mixup { get; init; } = 0.9;
}

/// <summary>What centred rewards are divided by.</summary>
public enum AdvantageScale
{
    /// <summary>The standard deviation of the group: GRPO (arXiv 2402.03300, section 4.1.2).</summary>
    Group,

    /// <summary>The standard deviation of all rewards of the batch.</summary>
    Batch,

    /// <summary>Nothing: Dr. GRPO (arXiv 2503.20783, section 3.2): dividing favours prompts that are almost always right or almost always wrong.</summary>
    None,
}

/// <summary>How rewards become advantages.</summary>
public sealed record AdvantageConfig
{
    /// <summary>What the centred total is divided by.</summary>
    public AdvantageScale Scale { get; init; } = AdvantageScale.Group;

    /// <summary>Normalise every reward by itself instead of the total; scale is then not looked at.</summary>
    public bool Gdpo { get; init; }

    /// <summary>
    /// Take the winners of every group as labels and forget the others, as in best-of-n filtering: what policy gradients are measured against. Scale is then
    /// not looked at.
    /// </summary>
    public bool Winners { get; init; }
}

/// <summary>Whether prompts whose completions are all rewarded alike are replaced by others, and how long that is tried.</summary>
public sealed record DynamicSamplingConfig
{
    /// <summary>Off: groups without signal stay in the batch.</summary>
    public bool Enabled { get; init; }

    /// <summary>Rounds of sampling for one batch, the first included. ≥ 1.</summary>
    public int MaxRounds { get; init; } = 4;
}

/// <summary>Asking prompts again whose completions were rewarded differently: what the policy has not settled is drawn more often.</summary>
public sealed record RevisitConfig
{
    /// <summary>Share of a step's prompts that are asked again, as far as any wait; 0 (the default) for none. In [0, 1).</summary>
    public double Share { get; init; }

    /// <summary>Prompts (pairs of twins) that wait at most, pictures included; the oldest goes. 1 to 256.</summary>
    public int Most { get; init; } = 32;
}

/// <summary>What completions can be.</summary>
public enum RolloutKind
{
    /// <summary>Whatever the model writes, up to the limit on tokens; every token is learned.</summary>
    Free,

    /// <summary>
    /// Held to the reply's grammar, as <c>solve</c> holds replies: only letters that are open are drawn, from the allowed ones, and only they are learned.
    /// Probes are held too. The limit on tokens does not matter.
    /// </summary>
    Held,
}

/// <summary>A whole run of reinforcement learning: <c>configs/grpo-*.json</c>. Unknown members are errors.</summary>
public sealed record GrpoConfig
{
    /// <summary>Name of the run: its folder is <c>runs/&lt;name&gt;</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Seed of pictures, messages and samples.</summary>
    public required long Seed { get; init; }

    /// <summary>Checkpoint folder to start from.</summary>
    public required string From { get; init; }

    /// <summary>Optimizer steps. ≥ 1.</summary>
    public required int Steps { get; init; }

    /// <summary>Prompts per rollout. ≥ 1.</summary>
    public required int PromptsPerStep { get; init; }

    /// <summary>Completions per prompt. ≥ 2.</summary>
    public required int GroupSize { get; init; }

    /// <summary>Step size. &gt; 0.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Whether completions are free or held to the grammar.</summary>
    public RolloutKind Rollouts { get; init; } = RolloutKind.Free;

    /// <summary>Servers that sample in place of this process; null: none.</summary>
    public VllmConfig? Vllm { get; init; }

    /// <summary>
    /// What is trained: everything, or the decoder, which spares most of a step where the tower reads well already: a picture is then read once, for the
    /// sampler and the update together.
    /// </summary>
    public TrainedPart Trains { get; init; } = TrainedPart.Everything;

    /// <summary>
    /// Computes picture and prompt once for all completions of a prompt in the update as well. False gives the same gradients for more work; with gradient
    /// checkpointing it is so in any case.
    /// </summary>
    public bool SharePrompts { get; init; } = true;

    /// <summary>Sampling temperature. &gt; 0.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>New tokens of a completion at most. ≥ 1.</summary>
    public int MaxTokens { get; init; } = 240;

    /// <summary>Steps over which the step size rises from 0. ≥ 0.</summary>
    public int WarmUp { get; init; }

    /// <summary>Step size at the end as a share of <see cref="LearningRate"/>, to which a cosine goes down. 0 to 1; 1 (the default): it stays.</summary>
    public double FinalShare { get; init; } = 1;

    /// <summary>
    /// Completions per forward and backward pass: bounds the memory of a step, not its result. ≥ 1; a multiple of the group size, where it fits, spares the
    /// tower work.
    /// </summary>
    public int MicroRows { get; init; } = 16;

    /// <summary>
    /// Products in bfloat16, in the sampler too, true or false; weights stay float32. "auto": whichever is faster on this machine, measured at the start of a
    /// run and kept by it.
    /// </summary>
    [JsonPropertyName("bfloat16"), JsonConverter(typeof(Bfloat16Switch))]
    public ComputeType ComputeType { get; init; } = ComputeType.Auto;

    /// <summary><c>cpu</c>, or <c>cuda:0</c> where TorchSharp has it.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>
    /// Trains low-rank adapters (in <c>checkpoint/adapter</c>, for <c>merge</c>) instead of the weights; the frozen reference is then the model without them.
    /// </summary>
    public LoraConfig? Lora { get; init; }

    /// <summary>Keeps only the input of every block for the backward pass and computes the rest again: less memory, about a third more time.</summary>
    public bool GradientCheckpointing { get; init; }

    /// <summary>Weights in bfloat16; what is trained of them has a float32 master copy in the optimizer.</summary>
    public bool Bf16Weights { get; init; }

    /// <summary>Passes over a rollout, µ. ≥ 1.</summary>
    public int UpdatesPerRollout { get; init; } = 1;

    /// <summary>Optimizer steps that a pass is cut into. 1 to prompts × group size, and a divisor of it.</summary>
    public int Minibatches { get; init; } = 1;

    /// <summary>The objective.</summary>
    public LossConfig Loss { get; init; } = new();

    /// <summary>From rewards to advantages.</summary>
    public AdvantageConfig Advantages { get; init; } = new();

    /// <summary>What is rewarded.</summary>
    public RewardConfig Rewards { get; init; } = new();

    /// <summary>Replacing groups without signal.</summary>
    public DynamicSamplingConfig DynamicSampling { get; init; } = new();

    /// <summary>Asking prompts again.</summary>
    public RevisitConfig Revisit { get; init; } = new();

    /// <summary>Leave completions that were cut at the limit out of the loss.</summary>
    public bool MaskTruncated { get; init; }

    /// <summary>What the divergence is measured from.</summary>
    public ReferenceConfig Reference { get; init; } = new();

    /// <summary>What is drawn.</summary>
    public required PictureMix DrawnPictures { get; init; }

    /// <summary>The second, worse picture of every puzzle; given if and only if the pair reward is.</summary>
    public PictureMix? TwinPictures { get; init; }

    /// <summary>
    /// What is the matter with the pictures; nothing by default. About a picture with which something is the matter its own message is asked, not one drawn
    /// for it.
    /// </summary>
    public StratumMix Strata { get; init; } = new();

    /// <summary>What is asked.</summary>
    public MessageConfig Messages { get; init; } = new();

    /// <summary>Moments, decay, clipping.</summary>
    public OptimizerConfig Optimizer { get; init; } = new();

    /// <summary>Steps between checkpoints. ≥ 1.</summary>
    public int CheckpointEvery { get; init; } = 25;

    /// <summary>Steps between probes. ≥ 1.</summary>
    public int ProbeEvery { get; init; } = 25;

    /// <summary>Puzzles per kind in a probe; 0 for none, as where a greedy reply takes a processor minutes. ≥ 0.</summary>
    public int ProbePuzzles { get; init; } = 32;

    /// <summary>Steps between tables of sampled completions. ≥ 1.</summary>
    public int SamplesEvery { get; init; } = 10;

    /// <summary>Threads that draw pictures. ≥ 1.</summary>
    public int Drawers { get; init; } = 1;

    /// <summary>Threads for tensor arithmetic. ≥ 1.</summary>
    public int Threads { get; init; } = 2;

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="InvalidDataException">The file is not such a configuration; the message says where.</exception>
    public static GrpoConfig Load(string path)
    {
        var config = TrainJson.Load<GrpoConfig>(path, "a GRPO configuration");
        config.Validate(path);
        return config;
    }

    /// <summary>Writes the configuration as it was understood, defaults included.</summary>
    public void Save(string path) => TrainJson.Save(path, this);

    private void Validate(string path)
    {
        AtLeast(1, ("steps", Steps), ("prompts_per_step", PromptsPerStep), ("max_tokens", MaxTokens), ("updates_per_rollout", UpdatesPerRollout),
            ("minibatches", Minibatches),
            ("dynamic_sampling.max_rounds", DynamicSampling.MaxRounds), ("reference.every", Reference.Every), ("checkpoint_every", CheckpointEvery),
            ("probe_every", ProbeEvery), ("threads", Threads),
            ("drawers", Drawers), ("samples_every", SamplesEvery), ("micro_rows", MicroRows));
        AtLeast(0, ("warm_up", WarmUp), ("probe_puzzles", ProbePuzzles));
        AtLeast(2, ("group_size", GroupSize));
        Check(LearningRate > 0 && double.IsFinite(LearningRate), $"learning_rate is {LearningRate}; expected more than 0");
        Check(Temperature > 0 && double.IsFinite(Temperature), $"temperature is {Temperature}; expected more than 0");
        Check(FinalShare is >= 0 and <= 1, $"final_share is {FinalShare}; expected 0 to 1");
        Check(!(Advantages.Gdpo && Advantages.Winners), "advantages.gdpo and advantages.winners are both true; expected one of them at most");
        Check(TwinPictures is null || Strata == new StratumMix(), "there are 'twin_pictures' and 'strata'; a twin shows the same letters, so give one of them");
        Check(Reference.Mixup is > 0 and <= 1, $"reference.mixup is {Reference.Mixup}; expected more than 0 and at most 1");
        Check(Revisit.Share is >= 0 and < 1, $"revisit.share is {Revisit.Share}; expected at least 0 and less than 1");
        Check(Revisit.Most is >= 1 and <= 256, $"revisit.most is {Revisit.Most}; expected 1 to 256");
        Check(
            !Optimizer.Bf16Moments || Math.Max(Optimizer.Beta1, Math.Max(Optimizer.Beta2, Optimizer.MuonMomentum)) <= OptimizerConfig.SlowestBf16Moment,
            $"optimizer.bf16_moments needs beta1, beta2 and muon_momentum of at most {OptimizerConfig.SlowestBf16Moment}; slower moments would stand still");
        Check(PromptsPerStep * GroupSize % Minibatches == 0,
            $"{PromptsPerStep} prompts of {GroupSize} completions cannot be cut into {Minibatches} equal minibatches");
        Check(Loss.Beta == 0
            || Reference.Kind != ReferenceKind.None, $"loss.beta is {Loss.Beta} but reference.kind is \"none\"; give a reference or set beta to 0");
        Check(TwinPictures is null
            || PromptsPerStep % 2 == 0, $"prompts_per_step is {PromptsPerStep}; expected an even number, as every puzzle is asked on two pictures");
        Check(
            Rollouts == RolloutKind.Free || Rewards.Confidence == ConfidenceSource.Reply || !(Rewards.Has(RewardName.Brier) || Rewards.Has(RewardName.Pair)),
            "rollouts are \"held\" and rewards.confidence is \"answer\"; a held answer follows from its letters, so expected \"reply\"");
        Check(Trains != TrainedPart.Tower, "trains is \"tower\"; expected \"everything\" or \"decoder\": it is the decoder that writes");
        Check(Trains == TrainedPart.Everything || Lora is null, "trains is \"decoder\" and there is 'lora'; name its layers in lora.target_modules instead");
        Check(Rewards.Has(RewardName.Pair) == TwinPictures is not null, "the reward 'pair' and 'twin_pictures' need each other; give both or none");
        if (TwinPictures is { } twin)
        {
            // Which of two pictures is the worse one is told by their severities.
            var most = DrawnPictures.Camera > 0 ? DrawnPictures.MaxSeverity : 0;
            var allWorse = twin.Reference400 + twin.Reference300 + twin.Variant == 0 && twin.MinSeverity > most;
            Check(allWorse, $"twin_pictures must all be camera pictures of a severity above {most}, the worst of drawn_pictures");
        }
        Check(Lora is null
            || Reference.Kind != ReferenceKind.Resync,
                "reference.kind is \"resync\" and there is 'lora'; adapters have one reference, the model without them: \"frozen\"");
        Lora?.Validate($"{path}: lora");
        Loss.Validate(path);
        Rewards.Validate(path);
        Vllm?.Validate(path, this);

        void Check(bool holds, string problem)
        {
            if (!holds) throw new InvalidDataException($"{path}: {problem}.");
        }

        void AtLeast(int least, params ReadOnlySpan<(string Name, int Value)> values)
        {
            foreach (var (name, value) in values) Check(value >= least, $"{name} is {value}; expected at least {least}");
        }
    }
}
