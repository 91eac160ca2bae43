using Vlm.Engine;
using Vlm.Solving;

namespace Vlm.Core.Tests.Engine;

/// <summary>The engine runs a package that we did not make, with the tokens and log-probabilities of ONNX Runtime GenAI.</summary>
public sealed class InteroperabilityTests
{
    public static TheoryData<string> Names => [.. ReferencePackage.Cases.Select(item => item.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_package_made_by_other_tools_gives_their_tokens_and_log_probabilities(string name)
    {
        var expected = ReferencePackage.Case(name);
        using var vlm = ReferencePackage.Open();
        using var prompt = new ReferencePrompt(vlm, expected);
        using var decoder = vlm.Allocate(1);

        decoder.Prefill([prompt.Prompt]);
        var first = decoder.Logits(0).ToArray();
        var generation = ReferencePackage.Generate(decoder, [prompt.Prompt], ReferencePackage.Greedy(12))[0][0];

        for (var i = 0; i < first.Length; i++) Assert.Equal(expected.FirstLogits[i], first[i], 2e-4f);
        Assert.Equal(expected.Tokens, generation.Choices.Select(choice => choice.Token));
        for (var i = 0; i < expected.Tokens.Length; i++) Assert.Equal(expected.LogProbabilities[i], generation.Choices[i].LogProbability, 1e-4);
        Assert.Equal(expected.Stop == "eos" ? FinishReason.EndOfText : FinishReason.MaxTokens, generation.Finish);
    }

    [Fact]
    public void An_int4_decoder_made_by_other_tools_gives_their_tokens()
    {
        using var folder = new TempFolder();
        ReferencePackage.CopyInt4(folder.Path);
        using var vlm = Engines.Open(folder.Path, new EngineOptions { Threads = 1 });
        using var decoder = vlm.Allocate(1);
        var compared = 0;
        foreach (var (name, expected) in ReferencePackage.Int4)
        {
            using var prompt = new ReferencePrompt(vlm, ReferencePackage.Case(name));
            var choices = ReferencePackage.Generate(decoder, [prompt.Prompt], ReferencePackage.Greedy(4))[0][0].Choices;
            for (var i = 0; i < expected.Tokens.Length; i++)
            {
                // Activations are rounded to int8, and one that falls the other way moves a log-probability by up to 0.03: so much do these
                // figures differ between processors, versions of ONNX Runtime, and its graph optimisation switched on or off.
                if (expected.SmallestGap < 0.05 && choices[i].Token != expected.Tokens[i]) break;
                Assert.Equal(expected.Tokens[i], choices[i].Token);
                Assert.Equal(expected.LogProbabilities[i], choices[i].LogProbability, 5e-2);
                compared++;
            }
        }
        Assert.True(compared >= 24, $"Only {compared} tokens could be compared.");
    }
}
