using TorchSharp;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Text;
using Vlm.Trainer.Grpo;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Grpo;

[Collection("seeded")]
public sealed class RolloutSamplerTests : IDisposable
{
    private const int Samples = 4, MostTokens = 12;
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly string _folder = Directory.CreateTempSubdirectory("rollout").FullName;
    private readonly Tokenizer _tokenizer;
    private readonly QwenVl _model;

    public RolloutSamplerTests()
    {
        SmallTokenizer.Write(_folder);
        _tokenizer = Tokenizer.Load(Path.Combine(_folder, "tokenizer.json"));
        _model = TinyPolicy.Model();
    }

    [Theory]
    [InlineData(false, 1.0, 2e-5), InlineData(false, 0.6, 4e-5), InlineData(true, 1.0, 0.1)]
    public void The_sampler_and_a_teacher_forced_pass_agree_on_every_log_probability(bool bfloat16, double temperature, double tolerance)
    {
        _model.ComputeType = bfloat16 ? ScalarType.BFloat16 : float32;
        var groups = Sampler(seed: 1, temperature).Sample(Prompts(3), step: 5);
        PolicyRow[] rows = [.. groups.SelectMany(g => g.Rollouts.Select(r => new PolicyRow(g.Prompt, r, 0)))];
        using var noGradient = no_grad();
        var forward = new PolicyForward(_model, temperature);
        var forced = forward.Of(rows);
        var difference = (forced - forward.Padded(rows, r => r.Rollout.LogProbabilities)).abs();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{(bfloat16 ? "bfloat16" : "float32")}, T {temperature}: max {difference.max().item<float>():E2}, mean {difference.mean().item<float>():E2}");
        Assert.Equal(3 * Samples, rows.Length);
        Assert.InRange(difference.max().item<float>(), 0, tolerance);
        Assert.All(rows, r => Assert.All(r.Rollout.LogProbabilities, p => Assert.InRange(p, -60, 0)));
    }

    [Fact]
    public void The_same_seed_step_and_prompt_give_the_same_completions_and_any_other_gives_others()
    {
        var prompts = Prompts(2);
        var first = Ids(Sampler(seed: 1).Sample(prompts, step: 5));
        Assert.Equal(first, Ids(Sampler(seed: 1).Sample(prompts, step: 5)));
        Assert.NotEqual(first, Ids(Sampler(seed: 1).Sample(prompts, step: 6)));
        Assert.NotEqual(first, Ids(Sampler(seed: 2).Sample(prompts, step: 5)));
        Assert.Equal(2 * Samples, first.Distinct().Count());   // neither samples nor prompts share a sequence of chance
    }

    [Fact]
    public void A_prompt_is_completed_alone_as_among_others_of_other_lengths()
    {
        var prompts = Prompts(3);
        var together = Ids(Sampler(seed: 3).Sample(prompts, step: 1));
        Assert.Equal(together.Skip(Samples).Take(Samples), Ids(Sampler(seed: 3).Sample([prompts[1]], step: 1)));
    }

    [Fact]
    public void Rows_that_stop_leave_the_batch_and_the_others_go_on_as_if_they_had_not()
    {
        // With a third of all tokens as stop tokens most rows end early; the survivors must be the rows they are without stopping.
        var template = PromptTemplate.Small with { StopTokens = [.. Enumerable.Range('a', 26).Select(c => $"Ġ{(char)c}"), "<|im_end|>"] };
        var prompts = Prompts(3);
        var free = Groups(Sampler(seed: 9).Sample(prompts, 0));
        var stopping = Groups(new RolloutSampler(_model, _tokenizer, template, new RolloutOptions(Samples, 1, MostTokens, 9)).Sample(prompts, 0));
        Assert.Contains(stopping, r => !r.Truncated);
        Assert.Contains(stopping, r => r.Ids.Length == MostTokens);
        foreach (var (whole, cut) in free.Zip(stopping))
        {
            Assert.Equal(whole.Ids.Take(cut.Ids.Length), cut.Ids);
            for (var t = 0; t < cut.Ids.Length; t++) Assert.Equal(whole.LogProbabilities[t], cut.LogProbabilities[t], 1e-4);
        }
    }

    [Fact]
    public void Picture_tokens_are_never_sampled()
    {
        var sampled = new SamplingSoftmax(_model.Config, 1).LogProbabilities(zeros(1, 304)).exp();
        Assert.Equal(0, sampled[0, _model.Config.ImageTokenId].item<float>());
        Assert.Equal(0, sampled[0, _model.Config.VideoTokenId].item<float>());
        Assert.Equal(1, sampled.sum().item<float>(), 5);
        Assert.Equal(Math.Log(302), SamplingSoftmax.Entropy(sampled.log().nan_to_num(0, 0, -1e9)).item<float>(), 3);
    }

    [Fact]
    public void The_pass_of_the_trainer_gives_every_part_of_the_model_a_gradient()
    {
        var rows = Sampler(seed: 1).Sample(Prompts(2), 0).SelectMany(g => g.Rollouts.Select(r => new PolicyRow(g.Prompt, r, 1))).ToList();
        new PolicyForward(_model, 1).Of(rows).sum().backward();
        Assert.All(_model.named_parameters(), p => Assert.True(p.parameter.grad is { } g && g.abs().sum().item<float>() > 0, p.name));
    }

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private RolloutSampler Sampler(long seed, double temperature = 1)
        => new(_model, _tokenizer, PromptTemplate.Small, new RolloutOptions(Samples, temperature, MostTokens, seed));

    /// <summary>Prompts with words of unequal length and pictures of unequal size.</summary>
    private List<PolicyPrompt> Prompts(int count)
    {
        var source = new PuzzleSource(new PuzzleOptions { Pictures = new PictureMix { Camera = 0.3, Variant = 0.6, MaxSeverity = 2 } }, 3);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            var puzzle = source.At(i);
            var patches = Patches.From(puzzle.Picture, TinyPolicy.Pictures);
            return new PolicyPrompt(
                i, puzzle, new TorchPrompt(patches, _tokenizer.Encode(PromptTemplate.Small.Text(puzzle.Code, patches.Grid.MergedTokens(2)))));
        })];
    }

    private static List<string> Ids(IReadOnlyList<RolloutGroup> groups) => [.. Groups(groups).Select(r => string.Join(' ', r.Ids))];

    private static List<Rollout> Groups(IReadOnlyList<RolloutGroup> groups) => [.. groups.SelectMany(g => g.Rollouts)];
}
