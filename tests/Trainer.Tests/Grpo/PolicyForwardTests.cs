using TorchSharp;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Text;
using Vlm.Trainer.Config;
using Vlm.Trainer.Grpo;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Grpo;

/// <summary>What is computed once for all completions of a prompt has the loss and the gradients of what is computed for each of them.</summary>
[Collection("seeded")]
public sealed class PolicyForwardTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly string _folder = Directory.CreateTempSubdirectory("forward").FullName;
    private readonly CheckpointInput _input;
    private readonly QwenVl _model = TinyPolicy.Model();

    public PolicyForwardTests()
    {
        SmallTokenizer.Write(_folder);
        _input = new CheckpointInput(TinyPolicy.Pictures, Tokenizer.Load(Path.Combine(_folder, "tokenizer.json")), PromptTemplate.Small);
    }

    [Theory]
    [InlineData(RolloutKind.Free), InlineData(RolloutKind.Held)]
    public void A_shared_prompt_gives_the_loss_and_every_gradient_of_prompts_that_are_repeated(RolloutKind kind)
    {
        var rows = Rows(kind);
        var (shared, whole) = (Learn(rows, sharesPrompts: true), Learn(rows, sharesPrompts: false));
        Assert.Equal(whole.Loss, shared.Loss, 1e-5);
        Assert.All(whole.Gradients, gradient =>
        {
            var size = gradient.Value.abs().max().item<float>();
            Assert.True(size > 0 || gradient.Key.Contains("k_proj.bias", StringComparison.Ordinal), gradient.Key);
            Assert.InRange((gradient.Value - shared.Gradients[gradient.Key]).abs().max().item<float>(), 0, 1e-6 + (2e-4 * size));
        });
    }

    [Fact]
    public void Rows_whose_advantage_is_zero_are_not_computed_and_the_step_is_the_same()
    {
        List<PolicyRow> rows = [.. Rows(RolloutKind.Held).Select((row, r) => row with { Advantage = r / 4 == 1 ? 0 : row.Advantage })];
        var config = GrpoConfig.Load(Path.Combine(Repository.Root, "configs", "grpo-test.json")) with
        {
            UpdatesPerRollout = 1,
            Minibatches = 1,
            MicroRows = 64,
            Reference = new ReferenceConfig(),
            Loss = new LossConfig { Aggregate = LossAggregate.TokenMean },
        };
        var (loss, gradients) = Learn(rows, sharesPrompts: true);
        foreach (var parameter in _model.parameters()) parameter.grad = null;
        using var optimizer = new Vlm.Trainer.Optimization.Optimizer([.. _model.named_parameters()], config.Optimizer);
        var metrics = new PolicyUpdate(_model, null, optimizer, config).Run(rows, 0, 0);
        Assert.Equal((double)(rows.Count - 4) / rows.Count, metrics["rows_learned"]);
        Assert.Equal(loss, metrics["loss"], 1e-5);
        var norm = Math.Sqrt(gradients.Values.Sum(gradient => gradient.square().sum().item<float>()));
        Assert.Equal(norm, metrics["gradient_norm"], norm * 1e-3);
    }

    [Fact]
    public void A_tower_that_does_not_learn_reads_a_picture_once_for_sampler_and_update_and_the_decoders_gradients_are_the_same()
    {
        var rows = Rows(RolloutKind.Held);
        var whole = Learn(rows, sharesPrompts: true).Gradients;
        foreach (var (name, parameter) in _model.named_parameters()) parameter.requires_grad = TrainedPart.Decoder.Moves(name);
        using var reader = new PictureReader(_model, remembers: true);
        Patches[] pictures = [.. rows.Select(row => row.Prompt.Question.Patches!).Distinct()];
        var read = reader.Of(pictures)!.clone();
        using (no_grad())
        {
            // Another tower would say something else: what is learned from is what was read.
            foreach (var (name, parameter) in _model.named_parameters().Where(p => p.name.StartsWith("visual.merger", StringComparison.Ordinal)))
                parameter.zero_();
        }
        Assert.Equal(0, (reader.Of(pictures)! - read).abs().max().item<float>());

        var gradients = Learn(rows, sharesPrompts: true, reader).Gradients;
        Assert.Equal(_model.named_parameters().Where(p => !p.name.StartsWith("visual.", StringComparison.Ordinal)).Select(p => p.name), gradients.Keys);
        Assert.All(gradients, gradient => Assert.InRange(
            (gradient.Value - whole[gradient.Key]).abs().max().item<float>(), 0, 1e-6 + (2e-4 * whole[gradient.Key].abs().max().item<float>())));
    }

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private (double Loss, Dictionary<string, Tensor> Gradients) Learn(List<PolicyRow> rows, bool sharesPrompts, PictureReader? reader = null)
    {
        foreach (var parameter in _model.parameters()) parameter.grad = null;
        var forward = new PolicyForward(_model, 1, sharesPrompts, reader);
        var now = forward.Of(rows);
        var advantages = tensor(rows.Select(row => (float)row.Advantage).ToArray());
        var batch = new PolicyBatch(now, now.detach(), null, null, forward.Mask(rows).to(float32), advantages);
        var loss = PolicyLoss.Of(batch, new LossConfig { Aggregate = LossAggregate.TokenMean }).Loss;
        loss.backward();
        var moved = _model.named_parameters().Where(p => p.parameter.grad is not null);
        return (loss.item<float>(), moved.ToDictionary(p => p.name, p => p.parameter.grad!.clone()));
    }

    /// <summary>Four completions of each of three prompts of unequal length, with uneven advantages.</summary>
    private List<PolicyRow> Rows(RolloutKind kind)
    {
        var source = new PuzzleSource(new PuzzleOptions { Pictures = new PictureMix { Camera = 0.3, Variant = 0.6, MaxSeverity = 2 } }, 3);
        PolicyPrompt[] prompts = [.. Enumerable.Range(0, 3).Select(i => new PolicyPrompt(i, source.At(i), _input.Ask(source.At(i))))];
        var options = new RolloutOptions(4, 1, 9, 1);
        IRolloutSampler sampler = kind == RolloutKind.Held
            ? new HeldSampler(_model, _input, options)
            : new RolloutSampler(_model, _input.Tokenizer, _input.Template, options);
        return [.. sampler.Sample(prompts, 0)
            .SelectMany((group, p) => group.Rollouts.Select((rollout, g) => new PolicyRow(group.Prompt, rollout, g - 1.5 + p)))];
    }
}
