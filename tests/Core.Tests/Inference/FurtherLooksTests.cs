using Vlm.Cryptogram;
using Vlm.Inference;

namespace Vlm.Core.Tests.Inference;

/// <summary>Further looks at hard pictures, on the shipped model.</summary>
[Collection(nameof(Alone))]
public sealed class FurtherLooksTests
{
    private const int Pictures = 24;

    [Fact]
    public void Further_looks_put_right_what_one_look_misreads_and_are_only_taken_where_letters_are_unsure()
    {
        using var solver = Solver.Open(Path.Combine(Repository.Root, "models", "cryptogram-edge"));
        var source = new PuzzleSource(PuzzleOptions.For(Split.Camera, 3, 5), 900);
        Puzzle[] puzzles = [.. Enumerable.Range(0, Pictures).Select(i => source.At(i))];

        var solutions = solver.Solve([.. puzzles.Select(puzzle => new Question(puzzle.Picture, puzzle.Code))], cancellation: TestContext.Current.CancellationToken);

        var (first, all, more) = (0, 0, 0);
        foreach (var (puzzle, solution) in puzzles.Zip(solutions))
        {
            var generation = solution.Generation;
            var one = LetterDecision.Decide(generation.Beliefs);
            var looks = generation.FurtherLooks;
            Assert.Equal(LetterDecision.IsOpen([.. one.Where(letter => puzzle.Code.Contains(letter.Coded, StringComparison.Ordinal))]), looks.Count > 0);
            Assert.InRange(looks.Agreeing, 0, looks.Count);
            if (looks.Count is > 0 and < Vlm.Vision.Views.Count) Assert.False(LetterDecision.IsOpen(generation.Decided));
            Assert.Equal(solution.Answer?.Replace(" ", "", StringComparison.Ordinal), Read(puzzle.Code, generation.Decided));
            if (Read(puzzle.Code, one) == puzzle.Answer.Replace(" ", "", StringComparison.Ordinal)) first++;
            if (solution.Answer == puzzle.Answer) all++;
            if (looks.Count > 0) more++;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{first} of {Pictures} right after one look, {all} in the end; further looks for {more}");
        Assert.InRange(more, 1, Pictures - 1);
        Assert.True(all > first, $"{all} right with further looks, {first} without");
    }

    private static string Read(string code, IReadOnlyList<DecidedLetter> letters) =>
        string.Concat(code.Where(char.IsAsciiLetter).Select(coded => letters.First(letter => letter.Coded == coded).Plain));
}
