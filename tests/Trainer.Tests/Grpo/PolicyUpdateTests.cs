using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Text;
using Vlm.Trainer.Config;
using Vlm.Trainer.Data;
using Vlm.Trainer.Grpo;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;
using Vlm.Trainer.Sampling;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Grpo;

[Collection("seeded")]
public sealed class PolicyUpdateTests : IDisposable
{
    private static readonly GrpoConfig Plain = GrpoConfig.Load(Path.Combine(Repository.Root, "configs", "grpo-test.json")) with
    {
        UpdatesPerRollout = 1,
        Minibatches = 1,
        MicroRows = 16,
        Reference = new ReferenceConfig(),
        Loss = new LossConfig { Aggregate = LossAggregate.TokenMean },
        MaxTokens = 10,
        Optimizer = new OptimizerConfig { Muon = false, WeightDecay = 0 },
        LearningRate = 1e-3,
    };

    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();
    private readonly string _folder = Directory.CreateTempSubdirectory("update").FullName;
    private readonly CheckpointInput _input;

    public PolicyUpdateTests()
    {
        SmallTokenizer.Write(_folder);
        _input = new CheckpointInput(TinyPolicy.Pictures, Tokenizer.Load(Path.Combine(_folder, "tokenizer.json")), PromptTemplate.Small);
    }

    [Theory]
    [InlineData(LossAggregate.SequenceMean), InlineData(LossAggregate.TokenMean), InlineData(LossAggregate.Constant)]
    public void Cutting_a_step_into_micro_batches_changes_memory_and_not_the_gradient(LossAggregate aggregate)
    {
        var config = Plain with { Loss = new LossConfig { Aggregate = aggregate } };
        var (whole, parts) = (GradientNorm(config), GradientNorm(config with { MicroRows = 3 }));
        Assert.True(whole > 0);
        Assert.Equal(whole, parts, whole * 1e-4);
    }

    [Theory]
    [InlineData(LossAggregate.SequenceMean), InlineData(LossAggregate.TokenMean), InlineData(LossAggregate.Constant)]
    public void Equal_completions_of_a_prompt_are_computed_once_and_weigh_as_many(LossAggregate aggregate)
    {
        var config = Plain with { Loss = new LossConfig { Aggregate = aggregate } };
        using var model = TinyPolicy.Model();
        using var optimizer = new Optimizer([.. model.named_parameters()], config.Optimizer);
        var twice = new PolicyUpdate(model, null, optimizer, config).Run([.. Rows(model).SelectMany(row => new[] { row, row with { } })], 0, 1e-3);
        Assert.Equal(0.5, twice["rows_different"]);
        Assert.Equal(1, twice["rows_learned"]);
        var once = GradientNorm(config);
        Assert.Equal(once, twice["gradient_norm"], once * 1e-4);
    }

    [Fact]
    public void A_step_makes_what_was_better_than_its_group_more_probable_and_what_was_worse_less()
    {
        using var model = TinyPolicy.Model();
        using var optimizer = new Optimizer([.. model.named_parameters()], Plain.Optimizer);
        var rows = Rows(model);
        var before = new PolicyForward(model, 1).Numbers(rows, 16);
        Assert.Equal(1, new PolicyUpdate(model, null, optimizer, Plain).Run(rows, 0, 1e-3)["updates"]);
        var after = new PolicyForward(model, 1).Numbers(rows, 16);
        Assert.True(Enumerable.Range(0, rows.Count).Sum(r => rows[r].Advantage * (after[r].Sum() - before[r].Sum())) > 0);
    }

    [Fact]
    public void Rows_without_advantage_move_nothing()
    {
        using var model = TinyPolicy.Model();
        using var optimizer = new Optimizer([.. model.named_parameters()], Plain.Optimizer);
        var before = model.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach().clone());
        var metrics = new PolicyUpdate(model, null, optimizer, Plain).Run([.. Rows(model).Select(r => r with { Advantage = 0 })], 0, 1e-3);
        Assert.Equal(0, metrics["updates"]);
        Assert.All(model.named_parameters(), p => Assert.True((p.parameter - before[p.name]).abs().max().item<float>() == 0, p.name));
    }

    [Fact]
    public void A_resync_reference_takes_its_share_of_the_policy_when_it_is_due()
    {
        using var model = TinyPolicy.Model();
        using var reference = new ReferencePolicy(model, new ReferenceConfig { Kind = ReferenceKind.Resync, Every = 2, Mixup = 0.25 }, 1);
        float Weight() => FirstWeight(reference);
        var start = Weight();
        using (no_grad())
        {
            foreach (var p in model.parameters()) p.zero_();
        }
        reference.Follow(model, 1);
        Assert.Equal(start, Weight());
        reference.Follow(model, 2);
        Assert.Equal(0.75f * start, Weight(), 1e-6f);
    }

    [Fact]
    public void Twins_are_one_puzzle_on_two_pictures_of_which_the_second_is_worse()
    {
        var config = Plain with
        { TwinPictures = new PictureMix { Reference400 = 0, Reference300 = 0, Variant = 0, Camera = 1, MinSeverity = 2, MaxSeverity = 3 } };
        var pair = new PromptSource(config, _input).At(7);
        Assert.Equal([14, 15], pair.Select(p => p.Number));
        Assert.Equal(pair[0].Puzzle.Code, pair[1].Puzzle.Code);
        Assert.Equal(pair[0].Puzzle.Answer, pair[1].Puzzle.Answer);
        Assert.Equal(pair[0].Puzzle.Code, pair[0].Puzzle.Cipher.EncodeSpaced(pair[0].Puzzle.Answer));
        Assert.True(pair[0].Puzzle.Severity < pair[1].Puzzle.Severity);
        Assert.Equal(pair[0].Puzzle.Code, new PromptSource(config, _input).At(7)[0].Puzzle.Code);
    }

    [Fact]
    public void Sampling_for_a_step_ends_when_its_rounds_are_spent_and_counts_every_draw()
    {
        using var model = TinyPolicy.Model();
        // random letters: no reward, no signal
        var config = Plain with { Rewards = new RewardConfig(), DynamicSampling = new DynamicSamplingConfig { Enabled = true, MaxRounds = 3 } };
        var source = new PromptSource(config, _input);
        using var draws = new BatchStream<IReadOnlyList<PolicyPrompt>>(source.At, 4, drawers: 1);
        var sampler = new RolloutSampler(model, _input.Tokenizer, _input.Template, new RolloutOptions(config.GroupSize, 1, config.MaxTokens, config.Seed));
        var collector = new RolloutCollector(config, sampler, source, draws, new GrpoState(0, 4, null));
        var collected = collector.Collect(0);
        Assert.Equal((SamplingEnd.RoundsSpent, 3), (collected.End, collected.Rounds));
        Assert.Equal((3 * config.PromptsPerStep, config.PromptsPerStep), (collected.All.Count, collected.Learned.Count));
        Assert.Equal(4 + 3 * config.PromptsPerStep, collector.Drawn);
        Assert.Equal(1, GrpoMetrics.Of(collected)["groups_without_signal"]);
        Assert.Equal(1, GrpoMetrics.Of(collected)["truncated"]);
    }

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private double GradientNorm(GrpoConfig config)
    {
        using var model = TinyPolicy.Model();
        using var optimizer = new Optimizer([.. model.named_parameters()], config.Optimizer);
        return new PolicyUpdate(model, null, optimizer, config).Run(Rows(model), 0, 1e-3)["gradient_norm"];
    }

    /// <summary>Completions with advantages that alternate.</summary>
    private List<PolicyRow> Rows(QwenVl model)
    {
        var source = new PromptSource(Plain, _input);
        var sampler = new RolloutSampler(model, _input.Tokenizer, _input.Template, new RolloutOptions(4, 1, Plain.MaxTokens, 1));
        return [.. sampler.Sample([.. source.At(0), .. source.At(2)], 0)
            .SelectMany(g => g.Rollouts.Select((r, i) => new PolicyRow(g.Prompt, r, i % 2 == 0 ? 1 : -0.5)))];
    }

    private static float FirstWeight(ReferencePolicy reference)
    {
        var file = Path.GetTempFileName();
        try
        {
            Vlm.Model.SafeTensors.Write(file, reference.Weights());
            using var tensors = Vlm.Model.SafeTensors.Open(file);
            return tensors.ReadFloats("model.norm.weight")[0];
        }
        finally
        {
            File.Delete(file);
        }
    }
}
