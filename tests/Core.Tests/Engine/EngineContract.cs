using Vlm.Engine;
using Vlm.Package;
using Vlm.Solving;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Core.Tests.Engine;

/// <summary>What every engine does, so that nothing else needs to know which one runs. One class per engine inherits it.</summary>
public abstract class EngineContract
{
    // Products of other shapes are summed in another order; that is all that may differ.
    private const float Close = 1e-4f;

    /// <summary>Opens a package with the engine.</summary>
    protected abstract IVisionModel Open(string folder);

    private IVisionModel Open() => Open(ReferencePackage.Package);

    [Fact]
    public void Decoding_step_by_step_equals_reading_the_whole_text_at_once()
    {
        using var model = Open();
        var item = ReferencePackage.Case("two");
        using var prompt = new ReferencePrompt(model, item);
        using var cached = model.Allocate(1);
        using var whole = model.Allocate(1);
        cached.Prefill([prompt.Prompt]);
        for (var taken = 1; taken < item.Tokens.Length; taken++)
        {
            cached.Step([item.Tokens[taken - 1]]);
            whole.Prefill([Prompt.For([.. item.Ids, .. item.Tokens.Take(taken)], prompt.Pictures, model.Config)]);
            AssertClose(whole.Logits(0), cached.Logits(0));
            Assert.Equal(whole.Length(0), cached.Length(0));
        }
    }

    [Fact]
    public void Tokens_appended_in_one_run_give_the_logits_of_as_many_steps_and_leave_other_rows_alone()
    {
        using var model = Open();
        var item = ReferencePackage.Case("two");
        using var prompt = new ReferencePrompt(model, item);
        using var stepped = model.Allocate(1);
        using var appended = model.Allocate(2);
        Assert.True(appended.CanAppend);
        stepped.Prefill([prompt.Prompt]);
        appended.Prefill([prompt.Prompt]);
        var before = appended.Logits(0).ToArray();

        foreach (var part in (int[][])[item.Tokens[..1], item.Tokens[1..5], item.Tokens[5..7]])
        {
            var logits = appended.Append(1, part).ToArray().Chunk(model.Config.VocabularySize).ToArray();
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
        using var small = model.Allocate(1, item.Ids.Length + 1);
        small.Prefill([prompt.Prompt]);
        Assert.Throws<InvalidOperationException>(() => small.Append(0, [5, 6]));
    }

    [Fact]
    public void A_batch_of_unlike_prompts_gives_each_what_it_gets_alone_and_its_samples_the_same()
    {
        using var model = Open();
        // Two of equal length, which may be read together, and others that are not.
        string[] names = ["one", "one", "windows", "text", "two", "narrow"];
        ReferencePrompt[] prompts = [.. names.Select(name => new ReferencePrompt(model, ReferencePackage.Case(name)))];
        using var batch = model.Allocate(2 * names.Length);
        using var alone = model.Allocate(1);

        batch.Prefill([.. prompts.Select(prompt => prompt.Prompt)]);
        int[] tokens = [.. Enumerable.Range(5, batch.Rows)];
        batch.Step(tokens);

        for (var row = 0; row < batch.Rows; row++)
        {
            var prompt = prompts[row % names.Length].Prompt;
            alone.Prefill([prompt]);
            alone.Step([tokens[row]]);
            AssertClose(alone.Logits(0), batch.Logits(row));
            Assert.Equal(prompt.Ids.Length + 1, batch.Length(row));
        }
        foreach (var prompt in prompts) prompt.Dispose();
    }

    [Fact]
    public void A_row_cut_back_goes_on_as_if_it_had_never_gone_further()
    {
        using var model = Open();
        var item = ReferencePackage.Case("one");
        using var prompt = new ReferencePrompt(model, item);
        using var decoder = model.Allocate(1);
        decoder.Prefill([prompt.Prompt]);
        decoder.Step([item.Tokens[0]]);
        var expected = decoder.Logits(0).ToArray();
        foreach (var token in (int[])[5, 6, 7]) decoder.Step([token]);

        decoder.Rewind(0, item.Ids.Length);
        Assert.Equal(item.Ids.Length, decoder.Length(0));
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
    public void A_row_that_rests_while_others_step_is_not_changed_and_a_full_one_takes_no_more()
    {
        using var model = Open();
        var item = ReferencePackage.Case("one");
        using var prompt = new ReferencePrompt(model, item);
        using var alone = model.Allocate(1);
        using var pair = model.Allocate(2, item.Ids.Length + 4);
        alone.Prefill([prompt.Prompt]);
        alone.Step([item.Tokens[0]]);
        pair.Prefill([prompt.Prompt]);

        foreach (var token in (int[])[3, 4, 5, 6]) pair.Step([-1, token]);
        Assert.Equal(item.Ids.Length, pair.Length(0));
        pair.Step([item.Tokens[0], -1]);

        AssertClose(alone.Logits(0), pair.Logits(0));
        Assert.Throws<InvalidOperationException>(() => pair.Step([-1, 7]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.Step([model.Config.VocabularySize, -1]));
        Assert.Throws<ArgumentException>(() => pair.Step([1]));
    }

    [Fact]
    public void Prompts_that_do_not_fit_the_memory_or_their_pictures_are_refused()
    {
        using var model = Open();
        using var text = new ReferencePrompt(model, ReferencePackage.Case("text"));
        using var one = new ReferencePrompt(model, ReferencePackage.Case("one"));
        using var decoder = model.Allocate(1);
        using var small = model.Allocate(1, text.Prompt.Ids.Length - 1);
        using var exact = model.Allocate(1, text.Prompt.Ids.Length);

        var error = Assert.Throws<PromptTooLongException>(() => small.Prefill([text.Prompt]));
        Assert.Contains($"{text.Prompt.Ids.Length} tokens", error.Message, StringComparison.Ordinal);
        exact.Prefill([text.Prompt]);
        Assert.Equal(exact.MaxLength, exact.Length(0));
        Assert.Throws<InvalidOperationException>(() => decoder.Step([1]));
        Assert.Throws<ArgumentException>(() => decoder.Prefill([one.Prompt with { Pictures = [] }]));
        Assert.Throws<ArgumentException>(() => decoder.Prefill([one.Prompt with { Pictures = [one.Pictures[0], one.Pictures[0]] }]));
        Assert.Throws<ArgumentException>(() => decoder.Prefill([one.Prompt with { Ids = [.. one.Prompt.Ids[..^1], model.Config.VocabularySize] }]));
        Assert.Throws<ArgumentException>(() => decoder.Prefill([one.Prompt, one.Prompt]));
        using var foreign = new ForeignPicture(one.Pictures[0].Grid, one.Pictures[0].Tokens);
        Assert.Throws<ArgumentException>(() => decoder.Prefill([one.Prompt with { Pictures = [foreign] }]));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Allocate(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Allocate(1, model.Config.ContextLength + 1));
    }

    [Fact]
    public void Attention_is_a_share_for_every_picture_token_where_the_package_shows_it_and_nothing_where_not()
    {
        using var blind = Open();
        using var model = Open(Path.Combine(Repository.Root, "models", "cryptogram-edge"));
        Assert.True(model.ShowsAttention);
        using var picture = model.Encode(new Patches(new float[64 * 1176], new PatchGrid(1, 8, 8)));
        var tokenizer = Tokenizer.Load(Path.Combine(model.Config.Folder, "tokenizer.json"));
        using var prompt = new ReferencePrompt(blind, ReferencePackage.Case("one"));
        using var decoder = model.Allocate(1);
        using var unseeing = blind.Allocate(1);

        decoder.Prefill([Prompt.For(tokenizer.Encode(PromptTemplate.Small.Text("a b", picture.Tokens)), [picture], model.Config)]);
        var weights = decoder.PictureAttention(0)!;
        Assert.Equal(picture.Tokens, weights.Length);
        Assert.Equal(1, weights.Sum(), 1e-4);
        decoder.Prefill([Prompt.For([1, 2, 3], [], model.Config)]);
        Assert.Null(decoder.PictureAttention(0));
        if (blind.ShowsAttention) return;
        unseeing.Prefill([prompt.Prompt]);
        Assert.Null(unseeing.PictureAttention(0));
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> found)
    {
        Assert.Equal(expected.Length, found.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], Close);
    }

    /// <summary>What no engine has made.</summary>
    private sealed class ForeignPicture(PatchGrid grid, int tokens) : EncodedPicture(grid, tokens)
    {
        public override void Dispose() { }
    }
}

/// <summary>ONNX Runtime.</summary>
public sealed class OrtContractTests : EngineContract
{
    protected override IVisionModel Open(string folder) => Engines.Open(folder, new EngineOptions { Kind = EngineKind.Ort, Threads = 1 });
}

/// <summary>ONNX Runtime with keys, values and embeddings where the processor does not look: the code for a graphics card, over common memory.</summary>
public sealed class OrtOnDeviceContractTests : EngineContract
{
    protected override IVisionModel Open(string folder) => Engines.Open(folder, new EngineOptions { Threads = 1, TreatsHostAsDevice = true });
}

/// <summary>The engine without a model.</summary>
public sealed class ScriptedContractTests : EngineContract
{
    protected override IVisionModel Open(string folder) => new ScriptedModel(folder);
}
