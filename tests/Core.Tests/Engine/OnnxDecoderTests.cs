using Vlm.Engine;
using Vlm.Package;
using Vlm.Solving;

namespace Vlm.Core.Tests.Engine;

/// <summary>ONNX Runtime on the package of other tools: their tokens and log-probabilities, and what is its own beside the contract of engines.</summary>
public sealed class OnnxDecoderTests
{
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

        static string[] Texts(IReadOnlyList<Generation> replies) =>
            [.. replies.Select(reply => string.Join(' ', reply.Choices.Select(choice => choice.Token)))];
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
}
