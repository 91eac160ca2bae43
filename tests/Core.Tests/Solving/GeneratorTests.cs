using Vlm.Core.Tests.Engine;
using Vlm.Engine;
using Vlm.Solving;
using Vlm.Text;

namespace Vlm.Core.Tests.Solving;

/// <summary>The decode loop over a decoder that follows a script.</summary>
public sealed class GeneratorTests
{
    private static readonly Prompt Question = new([1, 2, 3], new RopePositions(new long[9], 3, 0), []);

    [Fact]
    public void A_stop_token_ends_its_row_and_is_its_last_token()
    {
        using var decoder = new ScriptedDecoder([[4, 5, 9, 6], [4, 9]]);
        var replies = Generate(decoder, [Question, Question], new GenerationOptions { MaxTokens = 10, StopTokens = [8, 9] });

        Assert.Equal([4, 5, 9], replies[0][0].Choices.Select(choice => choice.Token));
        Assert.Equal([4, 5], replies[0][0].TextTokens);
        Assert.Equal([4, 9], replies[1][0].Choices.Select(choice => choice.Token));
        Assert.All(replies, reply => Assert.Equal(FinishReason.EndOfText, reply[0].Finish));
        // The row that ended first rests, and nothing is computed after the last token.
        Assert.Equal([[4, 4], [5, -1]], decoder.Steps);
    }

    [Fact]
    public void The_limit_on_tokens_ends_a_reply_before_another_step()
    {
        using var decoder = new ScriptedDecoder([[4, 5, 6, 7]]);
        var reply = Generate(decoder, [Question], new GenerationOptions { MaxTokens = 2, StopTokens = [9] })[0][0];

        Assert.Equal(FinishReason.MaxTokens, reply.Finish);
        Assert.Equal([4, 5], reply.TextTokens);
        Assert.Single(decoder.Steps);
    }

    [Fact]
    public void Cancelling_returns_what_there_is()
    {
        using var cancellation = new CancellationTokenSource();
        using var decoder = new ScriptedDecoder([[4, 5, 6, 7]]) { OnStep = step => { if (step == 2) cancellation.Cancel(); } };
        var reply = Generator.Generate(decoder, [Question], new GenerationOptions { MaxTokens = 10, StopTokens = [9] }, cancellation.Token)[0][0];

        Assert.Equal(FinishReason.Cancelled, reply.Finish);
        Assert.Equal([4, 5], reply.TextTokens);
    }

    [Fact]
    public void Samples_of_a_prompt_are_returned_together()
    {
        using var decoder = new ScriptedDecoder([[1, 9], [2, 9], [3, 9], [4, 9]]);
        var replies = Generate(decoder, [Question, Question], new GenerationOptions { MaxTokens = 10, StopTokens = [9], Samples = 2 });

        Assert.Equal([1, 3], replies[0].Select(reply => reply.Choices[0].Token));
        Assert.Equal([2, 4], replies[1].Select(reply => reply.Choices[0].Token));
    }

    [Fact]
    public void Prompts_with_options_of_their_own_keep_to_them()
    {
        using var decoder = new ScriptedDecoder([[4, 5, 6, 9], [4, 5, 6, 9]]);
        var heard = new List<(int Token, int Alternatives)>();
        GenerationOptions[] options =
        [
            new() { MaxTokens = 2, StopTokens = [9] },
            new() { MaxTokens = 10, StopTokens = [9], Alternatives = 3, OnToken = (choice, alternatives) => heard.Add((choice.Token, alternatives.Count)) },
        ];
        var replies = Generator.Generate(decoder, [Question, Question], options, TestContext.Current.CancellationToken);

        Assert.Equal((FinishReason.MaxTokens, FinishReason.EndOfText), (replies[0].Finish, replies[1].Finish));
        Assert.Equal([4, 5], replies[0].TextTokens);
        Assert.Empty(replies[0].Alternatives);
        Assert.Equal([(4, 3), (5, 3), (6, 3), (9, 3)], heard);
        Assert.Equal([4, 5, 6, 9], replies[1].Alternatives.Select(place => place[0].Token));
    }

    [Fact]
    public void Stopping_one_prompt_leaves_its_neighbour_alone()
    {
        using var stop = new CancellationTokenSource();
        using var decoder = new ScriptedDecoder([[4, 5, 6, 9], [4, 5, 6, 9]]) { OnStep = step => { if (step == 2) stop.Cancel(); } };
        GenerationOptions[] options =
            [new() { MaxTokens = 10, StopTokens = [9], Stop = stop.Token }, new() { MaxTokens = 10, StopTokens = [9] }];
        var replies = Generator.Generate(decoder, [Question, Question], options, TestContext.Current.CancellationToken);

        Assert.Equal((FinishReason.Cancelled, FinishReason.EndOfText), (replies[0].Finish, replies[1].Finish));
        Assert.Equal([4, 5], replies[0].TextTokens);
        Assert.Equal([4, 5, 6], replies[1].TextTokens);
        // The stopped row rests from then on.
        Assert.Equal([[4, 4], [5, 5], [-1, 6]], decoder.Steps);
    }

    [Fact]
    public void A_sampled_reply_does_not_depend_on_its_place_in_the_batch()
    {
        var options = new GenerationOptions { MaxTokens = 4, StopTokens = [9], Sampling = new Sampling { Temperature = 5, Seed = 7 } };
        int[] Reply(int rows, int row)
        {
            using var decoder = new ScriptedDecoder([.. Enumerable.Repeat<int[]>([4, 5, 6, 7], rows)]);
            var replies = Generator.Generate(
                decoder, [.. Enumerable.Repeat(Question, rows)], Enumerable.Repeat(options, rows).ToArray(), TestContext.Current.CancellationToken);
            return [.. replies[row].Choices.Select(choice => choice.Token)];
        }
        Assert.Equal(Reply(1, 0), Reply(3, 2));
    }

    [Fact]
    public void A_decoder_of_another_size_is_refused()
    {
        using var decoder = new ScriptedDecoder([[9]]);
        Assert.Throws<ArgumentException>(() => Generate(decoder, [Question, Question], new GenerationOptions { MaxTokens = 1, StopTokens = [9] }));
    }

    [Fact]
    public void Attention_belongs_to_the_token_that_was_chosen_from_it()
    {
        using var decoder = new ScriptedDecoder([[4, 5, 9]]) { Attention = (row, length) => [length] };
        var reply = Generate(decoder, [Question], new GenerationOptions { MaxTokens = 10, StopTokens = [9], WithAttention = true })[0][0];
        Assert.Equal([3f, 4f, 5f], reply.Attention!.Select(weights => weights[0]));
    }

    private static IReadOnlyList<Generation>[] Generate(IDecoder decoder, IReadOnlyList<Prompt> prompts, GenerationOptions options) =>
        Generator.Generate(decoder, prompts, options, TestContext.Current.CancellationToken);
}
