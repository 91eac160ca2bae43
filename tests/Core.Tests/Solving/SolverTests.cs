using System.Diagnostics;
using Vlm.Core.Tests.Engine;
using Vlm.Cryptogram;
using Vlm.Engine;
using Vlm.Package;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Core.Tests.Solving;

/// <summary>Tests that measure this process's memory: nothing else runs beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>From picture and code to a solution, over a package with random weights.</summary>
[Collection(nameof(Alone))]
public sealed class SolverTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public SolverTests() => TinyPackage.Write(_folder.Path);

    [Fact]
    public void A_reply_that_cannot_be_read_is_reported_and_not_thrown()
    {
        using var solver = Open();
        var solution = solver.Solve(new Question(Picture("a"), "q x _ a", TimeSpan.FromSeconds(1)), cancellation: Cancellation);

        Assert.IsType<ReplyResult.ParseFailure>(solution.Reply);
        Assert.Null(solution.Answer);
        Assert.Null(solution.RawConfidence);
        Assert.Empty(solution.Letters);
        Assert.Equal(8, solution.Generation.Choices.Count);
        Assert.Equal(FinishReason.MaxTokens, solution.Generation.Finish);
        Assert.Equal(TimeSpan.FromSeconds(1), solution.Timings.Decoding);
        Assert.All(
            (TimeSpan[])[solution.Timings.Patches, solution.Timings.Vision, solution.Timings.Prefill, solution.Timings.Decode],
            time => Assert.True(time > TimeSpan.Zero));
    }

    [Fact]
    public void A_batch_gives_each_question_what_it_gets_alone()
    {
        using var solver = Open();
        Question[] questions = [new(Picture("a"), "q x"), new(Picture("c"), "x _ q"), new(Picture("a"), "z"), new(Picture("a"), "q y")];

        var together = solver.Solve(questions, cancellation: Cancellation);

        for (var i = 0; i < questions.Length; i++)
            Assert.Equal(solver.Solve(questions[i], cancellation: Cancellation).Generation.TextTokens, together[i].Generation.TextTokens);
    }

    [Fact]
    public void Requests_in_one_batch_get_what_each_asked_for_in_their_order()
    {
        using var solver = Open();
        SolveRequest[] requests =
        [
            new(new Question(Picture("a"), "q x _ a y f"), new SolveOptions { MaxTokens = 3, Alternatives = 2 }),
            new(new Question(Picture("c"), "z"), new SolveOptions { MaxTokens = 5 }),
            new(new Question(Picture("a"), "x y z"), new SolveOptions { MaxTokens = 1000 }),
        ];

        var together = solver.Solve(requests, Cancellation);

        Assert.Equal([3, 5, 8], together.Select(solution => solution.Generation.Choices.Count));
        Assert.All(together[0].Generation.Alternatives, place => Assert.Equal(2, place.Count));
        for (var i = 0; i < requests.Length; i++)
        {
            var alone = solver.Solve(requests[i].Question, cancellation: Cancellation);
            Assert.Equal(alone.Generation.TextTokens.Take(together[i].Generation.Choices.Count), together[i].Generation.TextTokens);
            Assert.Equal((requests[i].Question, alone.PromptTokens), (together[i].Question, together[i].PromptTokens));
            Assert.InRange(together[i].PictureTokens, 1, together[i].PromptTokens - 1);
        }
    }

    [Fact]
    public void A_code_longer_than_the_context_says_so_and_the_next_question_is_answered()
    {
        using var solver = Open();
        var code = string.Join(' ', Enumerable.Repeat("q", 300));
        var error = Assert.Throws<PromptTooLongException>(() => solver.Solve(new Question(Picture("a"), code), cancellation: Cancellation));
        Assert.Contains("the model takes 512", error.Message, StringComparison.Ordinal);
        Assert.Equal(8, solver.Solve(new Question(Picture("a"), "q"), cancellation: Cancellation).Generation.Choices.Count);
    }

    [Fact]
    public void A_picture_too_narrow_for_any_model_is_refused()
    {
        using var solver = Open();
        var line = new RgbImage(1000, 2, new byte[6000]);
        Assert.Throws<PictureException>(() => solver.Solve(new Question(line, "q"), cancellation: Cancellation));
    }

    [Fact]
    public void Cancelling_ends_it()
    {
        using var solver = Open();
        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();
        Assert.Throws<OperationCanceledException>(() => solver.Solve(new Question(Picture("a"), "q"), cancellation: cancellation.Token));
    }

    [Theory]
    [InlineData("prompt.json")]
    [InlineData("tokenizer.json")]
    [InlineData("processor_config.json")]
    [InlineData("genai_config.json")]
    public void A_package_without_one_of_its_files_is_one_clear_error(string file)
    {
        File.Delete(_folder.File(file));
        Assert.Contains(file, Assert.Throws<ModelException>(() => Open().Dispose()).Message, StringComparison.Ordinal);
        // Not in the manifest either: then it was never written.
        ModelFolder.Seal(_folder.Path, "fp32", new Provenance());
        Assert.Contains(file, Assert.Throws<ModelException>(() => Open().Dispose()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tokenizer.json", "{}")]
    [InlineData("prompt.json", "{}")]
    [InlineData("prompt.json", "[")]
    [InlineData("processor_config.json", "{}")]
    public void A_file_that_is_not_what_it_should_be_is_named(string file, string text)
    {
        File.WriteAllText(_folder.File(file), text);
        ModelFolder.Seal(_folder.Path, "fp32", new Provenance());
        Assert.Contains(file, Assert.Throws<ModelException>(() => Open().Dispose()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stop_token_that_the_tokenizer_does_not_know_is_named()
    {
        File.WriteAllText(_folder.File("prompt.json"), TinyPackage.Prompt.Replace("[\"<|im_end|>\"]", "[\"<|nothing|>\"]", StringComparison.Ordinal));
        ModelFolder.Seal(_folder.Path, "fp32", new Provenance());
        Assert.Contains("<|nothing|>", Assert.Throws<ModelException>(() => Open().Dispose()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_thousand_questions_take_no_more_memory_than_a_hundred()
    {
        using var solver = Open();
        var pictures = new[] { Picture("a"), Picture("c"), Picture("e") };
        void Ask(int count)
        {
            for (var i = 0; i < count; i++) solver.Solve(new Question(pictures[i % pictures.Length], i % 2 == 0 ? "q x _ a" : "z"), cancellation: Cancellation);
        }
        Ask(100);
        var (managed, resident) = (GC.GetTotalMemory(forceFullCollection: true), Resident());

        Ask(1000);

        // A picture's patches are 0.5 MB: a leak of any kind would show as hundreds of megabytes.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - managed, long.MinValue, 2 << 20);
        Assert.InRange(Resident() - resident, long.MinValue, 64 << 20);
    }

    public void Dispose() => _folder.Dispose();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private Solver Open() => Solver.Open(_folder.Path, new EngineOptions { Threads = 1 });

    private static RgbImage Picture(string name) => ImageCodec.Decode(File.ReadAllBytes(Path.Combine(ReferencePackage.Golden, "pictures", name + ".png")));

    /// <summary>After the collector has given back what it keeps for later: its reserve differs from machine to machine.</summary>
    private static long Resident()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return ResidentNow();
    }

    private static long ResidentNow()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
