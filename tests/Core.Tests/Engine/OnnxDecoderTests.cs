using Vlm.Engine;
using Vlm.Package;
using Vlm.Solving;

namespace Vlm.Core.Tests.Engine;

/// <summary>Whatever way a history came about, the logits after it are the same.</summary>
public sealed class OnnxDecoderTests
{
    // Products of other shapes are summed in another order; that is all that may differ.
    private const float Close = 1e-4f;

    [Fact]
    public void Decoding_step_by_step_equals_reading_the_whole_text_at_once()
    {
        using var vlm = ReferencePackage.Open();
        var item = ReferencePackage.Case("two");
        using var prompt = new ReferencePrompt(vlm, item);
        using var cached = vlm.Allocate(1);
        using var whole = vlm.Allocate(1);
        cached.Prefill([prompt.Prompt]);
        for (var taken = 1; taken < item.Tokens.Length; taken++)
        {
            cached.Step([item.Tokens[taken - 1]]);
            whole.Prefill([Prompt.For([.. item.Ids, .. item.Tokens.Take(taken)], prompt.Pictures, vlm.Config)]);
            AssertClose(whole.Logits(0), cached.Logits(0));
            Assert.Equal(whole.Length(0), cached.Length(0));
        }
    }

    [Fact]
    public void Tokens_appended_in_one_run_give_the_logits_of_as_many_steps_and_leave_other_rows_alone()
    {
        using var vlm = ReferencePackage.Open();
        var item = ReferencePackage.Case("two");
        using var prompt = new ReferencePrompt(vlm, item);
        using var stepped = vlm.Allocate(1);
        using var appended = vlm.Allocate(2);
        stepped.Prefill([prompt.Prompt]);
        appended.Prefill([prompt.Prompt]);
        var before = appended.Logits(0).ToArray();
        Assert.True(appended.CanAppend);

        foreach (var part in (int[][])[item.Tokens[..1], item.Tokens[1..5], item.Tokens[5..7]])
        {
            var logits = appended.Append(1, part).ToArray().Chunk(vlm.Config.VocabularySize).ToArray();
            Assert.Equal(part.Length, logits.Length);
            foreach (var (token, after) in part.Zip(logits))
            {
                stepped.Step([token]);
                AssertClose(stepped.Logits(0), after);
            }
            AssertClose(stepped.Logits(0), appended.Logits(1));
        }

        Assert.Equal((item.Ids.Length, item.Ids.Length + 7), (appended.Length(0), appended.Length(1)));
        Assert.Equal(before, appended.Logits(0).ToArray());
        // A step of the one leaves the other's logits as they are.
        var waiting = appended.Logits(1).ToArray();
        appended.Step([item.Tokens[0], -1]);
        Assert.Equal(waiting, appended.Logits(1).ToArray());
        using var small = vlm.Allocate(1, item.Ids.Length + 1);
        small.Prefill([prompt.Prompt]);
        Assert.Throws<InvalidOperationException>(() => small.Append(0, [5, 6]));
    }

    [Fact]
    public void A_batch_of_unlike_prompts_gives_each_what_it_gets_alone()
    {
        using var vlm = ReferencePackage.Open();
        // Two of equal length, which are read together, and others that are not.
        string[] names = ["one", "one", "windows", "text", "two", "narrow"];
        var prompts = names.Select(name => new ReferencePrompt(vlm, ReferencePackage.Case(name))).ToArray();
        using var decoder = vlm.Allocate(names.Length);

        var replies = ReferencePackage.Generate(decoder, [.. prompts.Select(prompt => prompt.Prompt)], ReferencePackage.Greedy(12));

        for (var i = 0; i < names.Length; i++)
        {
            var expected = ReferencePackage.Case(names[i]);
            Assert.Equal(expected.Tokens, replies[i][0].Choices.Select(choice => choice.Token));
            for (var j = 0; j < expected.Tokens.Length; j++) Assert.Equal(expected.LogProbabilities[j], replies[i][0].Choices[j].LogProbability, 1e-4);
            prompts[i].Dispose();
        }
    }

    [Fact]
    public void Samples_from_one_prefill_are_all_greedy_as_the_temperature_goes_to_zero()
    {
        using var vlm = ReferencePackage.Open();
        using var one = new ReferencePrompt(vlm, ReferencePackage.Case("one"));
        using var text = new ReferencePrompt(vlm, ReferencePackage.Case("text"));
        using var decoder = vlm.Allocate(8);
        var options = ReferencePackage.Greedy(12, samples: 4) with { Sampling = new Sampling { Temperature = 1e-4, Seed = 7 } };

        var replies = ReferencePackage.Generate(decoder, [one.Prompt, text.Prompt], options);

        Assert.All(replies[0], reply => Assert.Equal(ReferencePackage.Case("one").Tokens, reply.Choices.Select(choice => choice.Token)));
        Assert.All(replies[1], reply => Assert.Equal(ReferencePackage.Case("text").Tokens, reply.Choices.Select(choice => choice.Token)));
    }

    [Fact]
    public void Samples_of_one_prompt_differ_and_repeat_with_their_seed()
    {
        using var vlm = ReferencePackage.Open();
        using var prompt = new ReferencePrompt(vlm, ReferencePackage.Case("one"));
        using var decoder = vlm.Allocate(4);
        var options = ReferencePackage.Greedy(12, samples: 4) with { Sampling = new Sampling { Temperature = 1, Seed = 11 } };

        var first = Texts(ReferencePackage.Generate(decoder, [prompt.Prompt], options)[0]);
        var again = Texts(ReferencePackage.Generate(decoder, [prompt.Prompt], options)[0]);
        var other = Texts(ReferencePackage.Generate(decoder, [prompt.Prompt], options with { Sampling = options.Sampling with { Seed = 12 } })[0]);

        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
        Assert.Equal(4, first.Distinct().Count());

        static string[] Texts(IReadOnlyList<Generation> replies) => [.. replies.Select(reply => string.Join(' ', reply.Choices.Select(choice => choice.Token)))];
    }

    [Fact]
    public void A_row_cut_back_goes_on_as_if_it_had_never_gone_further()
    {
        using var vlm = ReferencePackage.Open();
        var item = ReferencePackage.Case("one");
        using var prompt = new ReferencePrompt(vlm, item);
        using var decoder = vlm.Allocate(1);
        decoder.Prefill([prompt.Prompt]);
        decoder.Step([item.Tokens[0]]);
        var expected = decoder.Logits(0).ToArray();
        foreach (var token in (int[])[5, 6, 7]) decoder.Step([token]);

        decoder.Rewind(0, item.Ids.Length);
        decoder.Step([item.Tokens[0]]);
        Assert.Equal(expected, decoder.Logits(0).ToArray());

        // Into the prompt too, as far as its picture.
        decoder.Rewind(0, item.Ids.Length - 1);
        decoder.Step([item.Ids[^1]]);
        decoder.Step([item.Tokens[0]]);
        AssertClose(expected, decoder.Logits(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => decoder.Rewind(0, 20));
        Assert.Throws<ArgumentOutOfRangeException>(() => decoder.Rewind(0, decoder.Length(0) + 1));
    }

    [Fact]
    public void A_row_that_rests_while_others_step_is_not_changed()
    {
        using var vlm = ReferencePackage.Open();
        var item = ReferencePackage.Case("one");
        using var prompt = new ReferencePrompt(vlm, item);
        using var alone = vlm.Allocate(1);
        using var pair = vlm.Allocate(2, item.Ids.Length + 4);
        alone.Prefill([prompt.Prompt]);
        alone.Step([item.Tokens[0]]);
        pair.Prefill([prompt.Prompt]);

        foreach (var token in (int[])[3, 4, 5, 6]) pair.Step([-1, token]);
        Assert.Equal(item.Ids.Length, pair.Length(0));
        pair.Step([item.Tokens[0], -1]);

        AssertClose(alone.Logits(0), pair.Logits(0));
        Assert.Throws<InvalidOperationException>(() => pair.Step([-1, 7]));
    }

    [Fact]
    public void Memory_for_the_whole_context_and_for_a_few_tokens_give_the_same()
    {
        using var vlm = ReferencePackage.Open();
        var item = ReferencePackage.Case("text");
        using var prompt = new ReferencePrompt(vlm, item);
        foreach (var length in (int[])[item.Ids.Length + item.Tokens.Length, vlm.Config.ContextLength])
        {
            using var decoder = vlm.Allocate(1, length);
            var reply = ReferencePackage.Generate(decoder, [prompt.Prompt], ReferencePackage.Greedy(12))[0][0];
            Assert.Equal(item.Tokens, reply.Choices.Select(choice => choice.Token));
        }
    }

    [Fact]
    public void A_prompt_that_does_not_fit_is_refused_and_one_that_fills_the_memory_ends_at_once()
    {
        using var vlm = ReferencePackage.Open();
        using var prompt = new ReferencePrompt(vlm, ReferencePackage.Case("text"));
        using var small = vlm.Allocate(1, 38);
        using var exact = vlm.Allocate(1, 39);
        using var larger = vlm.Allocate(1, 41);

        var error = Assert.Throws<PromptTooLongException>(() => small.Prefill([prompt.Prompt]));
        Assert.Contains("39 tokens", error.Message, StringComparison.Ordinal);
        var none = ReferencePackage.Generate(exact, [prompt.Prompt], ReferencePackage.Greedy(12))[0][0];
        Assert.Equal((0, FinishReason.ContextFull), (none.Choices.Count, none.Finish));
        var two = ReferencePackage.Generate(larger, [prompt.Prompt], ReferencePackage.Greedy(12))[0][0];
        Assert.Equal((2, FinishReason.ContextFull), (two.Choices.Count, two.Finish));
    }

    [Fact]
    public void Pictures_that_do_not_match_their_placeholders_are_refused()
    {
        using var vlm = ReferencePackage.Open();
        using var one = new ReferencePrompt(vlm, ReferencePackage.Case("one"));
        using var decoder = vlm.Allocate(1);

        Assert.Throws<ArgumentException>(() => decoder.Prefill([one.Prompt with { Pictures = [] }]));
        Assert.Throws<ArgumentException>(() => decoder.Prefill([one.Prompt with { Pictures = [one.Pictures[0], one.Pictures[0]] }]));
        Assert.Throws<ArgumentException>(() => decoder.Prefill([one.Prompt with { Ids = [.. one.Prompt.Ids[..^1], 320] }]));
        Assert.Throws<ArgumentException>(() => decoder.Prefill([one.Prompt, one.Prompt]));
    }

    [Fact]
    public void A_picture_token_that_the_model_writes_is_a_clear_error_where_the_package_cannot_take_it()
    {
        using var vlm = ReferencePackage.Open();
        using var prompt = new ReferencePrompt(vlm, ReferencePackage.Case("text"));
        using var decoder = vlm.Allocate(1);
        decoder.Prefill([prompt.Prompt]);

        var error = Assert.Throws<ModelException>(() => decoder.Step([vlm.Config.Tokens.Image]));
        Assert.Contains("picture token", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_package_without_a_pointer_shows_no_attention()
    {
        using var vlm = ReferencePackage.Open();
        using var prompt = new ReferencePrompt(vlm, ReferencePackage.Case("one"));
        using var decoder = vlm.Allocate(1);
        var reply = ReferencePackage.Generate(decoder, [prompt.Prompt], ReferencePackage.Greedy(3) with { WithAttention = true })[0][0];
        Assert.Null(reply.Attention);
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> found)
    {
        Assert.Equal(expected.Length, found.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], Close);
    }
}
