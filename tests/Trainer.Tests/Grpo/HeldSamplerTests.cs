using TorchSharp;
using Vlm.Cryptogram;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Statistics;
using Vlm.Text;
using Vlm.Trainer.Grpo;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Grpo;

[Collection("seeded")]
public sealed class HeldSamplerTests : IDisposable
{
    private const int Samples = 4;
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly string _folder = Directory.CreateTempSubdirectory("held").FullName;
    private readonly CheckpointInput _input;
    private readonly QwenVl _model = TinyPolicy.Model();

    public HeldSamplerTests()
    {
        SmallTokenizer.Write(_folder);
        _input = new CheckpointInput(TinyPolicy.Pictures, Tokenizer.Load(Path.Combine(_folder, "tokenizer.json")), PromptTemplate.Small);
    }

    [Fact]
    public void A_held_completion_of_any_model_is_well_formed_and_not_cut()
    {
        foreach (var group in Sampler(1).Sample(Prompts(4), 0))
        {
            Assert.All(group.Rollouts, rollout =>
            {
                Assert.Equal(1, Score.Of(rollout.Text, group.Puzzle.Answer, group.Puzzle.Code).Format);
                Assert.False(rollout.Truncated);
                Assert.Equal(_input.Tokenizer.Id(PromptTemplate.Small.StopTokens[0]), rollout.Ids[^1]);
            });
        }
    }

    [Fact]
    public void Only_the_first_of_every_letter_is_a_decision_and_it_is_one_of_those_that_are_left()
    {
        foreach (var group in Sampler(2).Sample(Prompts(4), 0))
        {
            var letters = group.Puzzle.Code.Where(char.IsAsciiLetter).Distinct().Count();
            Assert.All(group.Rollouts, rollout =>
            {
                Assert.Equal(letters, rollout.Decisions);
                Assert.All(rollout.Held!, decision => Assert.Contains(rollout.Ids[decision.Place], decision.Allowed));
                Assert.All(rollout.LogProbabilities.Where((_, t) => !rollout.Places.Contains(t)), p => Assert.Equal(0, p));
                Assert.InRange(rollout.Entropy / letters, 0, Math.Log(Cipher.Letters + 1));
            });
        }
    }

    [Fact]
    public void The_probabilities_of_what_is_allowed_sum_to_one_and_nothing_else_is_drawn()
    {
        int[] allowed = [7, 9, 200];
        var p = new SamplingSoftmax(_model.Config, 0.7).LogProbabilities(randn(2, 304), [allowed, [3]]).exp();
        Assert.Equal(1, allowed.Sum(token => p[0, token].item<float>()), 5);
        Assert.Equal(1, p[1, 3].item<float>(), 5);
        Assert.Equal(2, p.sum().item<float>(), 5);
    }

    [Theory]
    [InlineData(1.0, true), InlineData(0.6, true), InlineData(1.0, false)]
    public void The_sampler_and_a_teacher_forced_pass_agree_on_every_decision(double temperature, bool sharesPrompts)
    {
        var rows = Rows(Sampler(3, temperature).Sample(Prompts(4), 5));
        using var noGradient = no_grad();
        var forward = new PolicyForward(_model, temperature, sharesPrompts);
        var difference = (forward.Of(rows) - forward.Padded(rows, row => row.Rollout.LogProbabilities)).abs();
        Assert.InRange(difference.max().item<float>(), 0, 4e-5);
        Assert.Equal(rows.Sum(row => row.Rollout.Decisions), forward.Mask(rows).sum().item<long>());
    }

    [Fact]
    public void A_prompt_is_completed_alone_as_among_others_and_other_seeds_and_steps_give_other_completions()
    {
        var prompts = Prompts(4);
        var together = Ids(Sampler(4).Sample(prompts, 1));
        Assert.Equal(together.Skip(2 * Samples).Take(Samples), Ids(Sampler(4).Sample([prompts[2]], 1)));
        Assert.Equal(together, Ids(Sampler(4).Sample(prompts, 1)));
        Assert.NotEqual(together, Ids(Sampler(4).Sample(prompts, 2)));
        Assert.NotEqual(together, Ids(Sampler(5).Sample(prompts, 1)));
    }

    [Fact]
    public void Replies_that_begin_alike_are_read_once_and_each_is_drawn_as_if_it_were_alone()
    {
        // Cold enough that many begin alike, warm enough that not all do.
        var (prompts, options) = (Prompts(3), new RolloutOptions(12, 0.02, 1, 6));
        var groups = new HeldSampler(_model, _input, options).Sample(prompts, 0);
        Assert.All(groups, group => Assert.InRange(group.Rollouts.Select(rollout => string.Join(' ', rollout.Ids)).Distinct().Count(), 2, 11));

        var grammar = _input.Grammar();
        var alone = groups.SelectMany(group => Enumerable.Range(0, options.Samples).Select(sample =>
        {
            var reply = new HeldReply(grammar.Start(group.Puzzle.Code), SeededRandom.From(options.Seed, 0, group.Prompt.Number, sample));
            new HeldDecoding(_model, options.Temperature).Write([group.Prompt.Question], [reply]);
            return string.Join(' ', reply.Ids);
        }));
        Assert.Equal(alone, Ids(groups));
    }

    [Fact]
    public void Without_chance_the_most_probable_allowed_letter_is_taken_every_time()
    {
        var prompts = Prompts(3);
        var grammar = _input.Grammar();
        HeldReply[] replies = [.. prompts.Select(prompt => new HeldReply(grammar.Start(prompt.Puzzle.Code)))];
        new HeldDecoding(_model, 1).Write([.. prompts.Select(prompt => prompt.Question)], replies);
        PolicyRow[] rows = [.. prompts.Zip(replies, (prompt, reply) => new PolicyRow(prompt, Rollout(reply), 0))];
        using var noGradient = no_grad();
        var chosen = new PolicyForward(_model, 1).Of(rows);
        for (var r = 0; r < rows.Length; r++)
        {
            // No other letter in the first place would have been more probable.
            var first = rows[r].Rollout.Held![0];
            var others = first.Allowed.Select(token => rows[r] with { Rollout = OneChoice(rows[r].Rollout, first, token) }).ToArray();
            Assert.Equal(chosen[r, first.Place].item<float>(), new PolicyForward(_model, 1).Of(others).select(1, first.Place).max().item<float>(), 4e-5f);
        }
    }

    [Fact]
    public void A_prompt_without_mapping_lines_cannot_be_held_and_says_what_to_do()
    {
        var input = _input with { Template = PromptTemplate.Small with { MappingLines = false } };
        Assert.Contains("\"rollouts\": \"free\"", Assert.Throws<Vlm.Model.CheckpointException>(input.Grammar).Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private HeldSampler Sampler(long seed, double temperature = 1) => new(_model, _input, new RolloutOptions(Samples, temperature, 1, seed));

    /// <summary>Messages of one to three words on pictures of unequal size.</summary>
    private List<PolicyPrompt> Prompts(int count)
    {
        var source = new PuzzleSource(new PuzzleOptions { Pictures = new PictureMix { Camera = 0.3, Variant = 0.6, MaxSeverity = 2 } }, 3);
        return [.. Enumerable.Range(0, count).Select(i => new PolicyPrompt(i, source.At(i), _input.Ask(source.At(i))))];
    }

    private static Rollout Rollout(HeldReply reply) => new(reply.Ids, reply.LogProbabilities, false, "") { Held = reply.Decisions };

    private static Rollout OneChoice(Rollout rollout, Decision choice, int token)
        => rollout with { Ids = [.. rollout.Ids[..choice.Place], token, .. rollout.Ids[(choice.Place + 1)..]], Held = [choice] };

    private static List<PolicyRow> Rows(IReadOnlyList<RolloutGroup> groups)
        => [.. groups.SelectMany(group => group.Rollouts.Select(rollout => new PolicyRow(group.Prompt, rollout, 1)))];

    private static List<string> Ids(IReadOnlyList<RolloutGroup> groups) => [.. Rows(groups).Select(row => string.Join(' ', row.Rollout.Ids))];
}
