using Vlm.Engine;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Solving;

namespace Vlm.Core.Tests.Engine.GenAi;

/// <summary>ONNX Runtime GenAI.</summary>
public sealed class GenAiContractTests : EngineContract
{
    protected override IVisionModel Open(string folder) => GenAiTests.Engine(folder, EngineKind.Genai);
}

/// <summary>Whatever the one engine answers, the other does: the same tokens, log-probabilities, confidence and attention.</summary>
public sealed class GenAiTests
{
    private static string Shipped => Path.Combine(Repository.Root, "models", "cryptogram-edge");

    public static IVisionModel Engine(string folder, EngineKind kind) => Engines.Open(folder, new EngineOptions { Kind = kind, Threads = 1 });

    [Fact]
    public void Clear_and_hard_pictures_together_are_answered_alike_to_the_bit()
    {
        Puzzle[] puzzles = [.. Draw(Split.Clean, 0, 0, 3), .. Draw(Split.Camera, 2, 5, 6)];
        SolveRequest[] requests = [.. puzzles.Select(puzzle => new SolveRequest(new Question(puzzle.Picture, puzzle.Code), new SolveOptions()))];
        AssertAlike(requests, out var solutions);
        Assert.Contains(solutions, solution => solution.Generation.Reading.FurtherLooks.Count > 0);
    }

    [Fact]
    public void Attention_alternatives_and_free_replies_at_a_temperature_are_alike_to_the_bit()
    {
        var puzzle = Draw(Split.Clean, 0, 0, 1)[0];
        var question = new Question(puzzle.Picture, puzzle.Code);
        AssertAlike(
            [
                new(question, new SolveOptions { WithAttention = true, Alternatives = 3 }),
                new(question, new SolveOptions { IsConstrained = false, Sampling = new Sampling { Temperature = 1.5, Seed = 7 } }),
                new(question, new SolveOptions { MaxTokens = 9 }),
            ],
            out var solutions);
        Assert.NotEmpty(solutions[0].Letters);
    }

    [Fact]
    public void Samples_of_one_prompt_are_alike()
    {
        int[][] Samples(EngineKind kind)
        {
            using var model = Engine(ReferencePackage.Package, kind);
            using var prompt = new ReferencePrompt(model, ReferencePackage.Case("one"));
            using var decoder = model.Allocate(4);
            var options = ReferencePackage.Greedy(12, samples: 4) with { Sampling = new Sampling { Temperature = 1, Seed = 11 } };
            return [.. ReferencePackage.Generate(decoder, [prompt.Prompt], options)[0].Select(reply => reply.Choices.Select(choice => choice.Token).ToArray())];
        }
        Assert.Equal(Samples(EngineKind.Ort), Samples(EngineKind.Genai));
    }

    [Theory]
    [InlineData("text.onnx")]
    [InlineData("vision.onnx")]
    [InlineData("genai_config.json")]
    public void A_damaged_package_is_one_clear_error(string file)
    {
        using var folder = new TempFolder();
        foreach (var path in Directory.EnumerateFiles(ReferencePackage.Package)) File.Copy(path, folder.File(Path.GetFileName(path)));
        File.WriteAllText(folder.File(file), "not what it should be");
        var error = Assert.Throws<ModelException>(() => Engine(folder.Path, EngineKind.Genai).Dispose());
        Assert.Contains(folder.Path, error.Message, StringComparison.Ordinal);
    }

    private static void AssertAlike(SolveRequest[] requests, out IReadOnlyList<Solution> solutions)
    {
        IReadOnlyList<Solution> Solve(EngineKind kind)
        {
            using var solver = Solver.Open(Shipped, new EngineOptions { Kind = kind, Threads = 1 });
            return solver.Solve(requests, TestContext.Current.CancellationToken);
        }
        solutions = Solve(EngineKind.Ort);
        foreach (var (expected, found) in solutions.Zip(Solve(EngineKind.Genai)))
        {
            Assert.Equal(expected.Text, found.Text);
            Assert.Equal(expected.RawConfidence, found.RawConfidence);
            Assert.Equal(expected.Generation.Choices, found.Generation.Choices);
            Assert.Equal(expected.Generation.Alternatives.SelectMany(place => place), found.Generation.Alternatives.SelectMany(place => place));
            Assert.Equal(expected.Generation.Reading.Decided, found.Generation.Reading.Decided);
            Assert.Equal(expected.Generation.Reading.FurtherLooks, found.Generation.Reading.FurtherLooks);
            Assert.Equal(expected.Letters.SelectMany(letter => letter.Weights), found.Letters.SelectMany(letter => letter.Weights));
        }
    }

    private static Puzzle[] Draw(Split split, int low, int high, int count)
    {
        var source = new PuzzleSource(high == 0 ? PuzzleOptions.For(split) : PuzzleOptions.For(split, low, high), 77);
        return [.. Enumerable.Range(0, count).Select(i => source.At(i))];
    }
}
