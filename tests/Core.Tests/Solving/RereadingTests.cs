using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Solving;

namespace Vlm.Core.Tests.Solving;

/// <summary>Further looks at hard pictures, on the shipped model.</summary>
[Collection(nameof(Alone))]
public sealed class RereadingTests
{
    private const int Pictures = 24;

    [Fact]
    public void Further_looks_put_right_what_one_look_misreads_and_are_only_taken_where_letters_are_unsure()
    {
        using var solver = Solver.Open(Path.Combine(Repository.Root, "models", "cryptogram-edge"));
        var source = new PuzzleSource(PuzzleOptions.For(Split.Camera, 3, 5), 900);
        Puzzle[] puzzles = [.. Enumerable.Range(0, Pictures).Select(i => source.At(i))];

        var solutions = solver.Solve(
            [.. puzzles.Select(puzzle => new Question(puzzle.Picture, puzzle.Code))], cancellation: TestContext.Current.CancellationToken);

        var (first, all, more) = (0, 0, 0);
        foreach (var (puzzle, solution) in puzzles.Zip(solutions))
        {
            var generation = solution.Generation;
            var one = LetterDecision.Decide(generation.Reading.Beliefs);
            var looks = generation.Reading.FurtherLooks;
            Assert.Equal(LetterDecision.IsOpen([.. one.Where(letter => puzzle.Code.Contains(letter.Coded, StringComparison.Ordinal))]), looks.Count > 0);
            Assert.InRange(looks.Agreeing, 0, looks.Count);
            if (looks.Count is > 0 and < Vlm.Vision.Views.Count) Assert.False(LetterDecision.IsOpen(generation.Reading.Decided));
            Assert.Equal(solution.Answer?.Replace(" ", "", StringComparison.Ordinal), Read(puzzle.Code, generation.Reading.Decided));
            if (Read(puzzle.Code, one) == puzzle.Answer.Replace(" ", "", StringComparison.Ordinal)) first++;
            if (solution.Answer == puzzle.Answer) all++;
            if (looks.Count > 0) more++;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{first} of {Pictures} right after one look, {all} in the end; further looks for {more}");
        Assert.InRange(more, 1, Pictures - 1);
        Assert.True(all > first, $"{all} right with further looks, {first} without");
    }

    [Fact]
    public void Words_decide_what_all_looks_leave_unsure_and_nothing_else_where_the_package_says_so()
    {
        const int Count = 12;
        var shipped = Path.Combine(Repository.Root, "models", "cryptogram-escalation");
        using var reading = new TempFolder();
        foreach (var file in Directory.EnumerateFiles(shipped)) File.Copy(file, reading.File(Path.GetFileName(file)));
        (PromptTemplate.Load(reading.File("prompt.json")) with { LeansOnWords = false }).Save(reading.File("prompt.json"));
        var manifest = ModelFolder.Open(shipped).Manifest;
        ModelFolder.Seal(reading.Path, manifest.Precision, manifest.Provenance);
        var source = new PuzzleSource(PuzzleOptions.For(Split.Camera, 5, 5), 901);
        Puzzle[] puzzles = [.. Enumerable.Range(0, Count).Select(i => source.At(i))];
        Question[] questions = [.. puzzles.Select(puzzle => new Question(puzzle.Picture, puzzle.Code))];
        IReadOnlyList<Solution> Solve(string folder)
        {
            using var solver = Solver.Open(folder);
            return solver.Solve(questions, cancellation: TestContext.Current.CancellationToken);
        }

        var (read, leaning) = (Solve(reading.Path), Solve(shipped));

        foreach (var (alone, withWords) in read.Zip(leaning))
        {
            Assert.False(alone.Generation.Reading.LeantOnWords);
            Assert.Equal(LetterDecision.IsOpen(alone.Generation.Reading.Decided) && alone.Generation.Reading.FurtherLooks.Count > 0,
                withWords.Generation.Reading.LeantOnWords);
            Assert.Equal(alone.Generation.Reading.FurtherLooks, withWords.Generation.Reading.FurtherLooks);
            if (!withWords.Generation.Reading.LeantOnWords) Assert.Equal(alone.Text, withWords.Text);
            // The answer's own tokens follow from the letters; how sure it is of the answer is how sure it is of them.
            Assert.Equal(Math.Exp(alone.Generation.Reading.Decided.Sum(letter => letter.LogProbability)), alone.RawConfidence!.Value, 1e-12);
            if (withWords.Generation.Reading.LeantOnWords) Assert.InRange(alone.RawConfidence.Value, 0, 0.99);
        }

        int Right(IReadOnlyList<Solution> solutions) => solutions.Zip(puzzles).Count(pair => pair.First.Answer == pair.Second.Answer);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{Right(read)} of {Count} right by reading alone, {Right(leaning)} with words, which had a say in "
                + $"{leaning.Count(solution => solution.Generation.Reading.LeantOnWords)}");
        Assert.True(Right(leaning) > Right(read), $"{Right(leaning)} right with words, {Right(read)} without");
    }

    [Fact]
    public void A_question_that_is_stopped_during_further_looks_has_what_was_written_and_counts_as_cancelled()
    {
        using var solver = Solver.Open(Path.Combine(Repository.Root, "models", "cryptogram-edge"));
        var source = new PuzzleSource(PuzzleOptions.For(Split.Camera, 5, 5), 900);
        var puzzle = Enumerable.Range(0, Pictures).Select(i => source.At(i)).First(puzzle => NeedsLooks(solver, puzzle));
        using var stop = new CancellationTokenSource();
        var question = new Question(puzzle.Picture, puzzle.Code);
        // The free reply takes a turn for every token and so ends after the held one: its end falls between the first reply and the looks.
        SolveRequest[] requests =
        [
            new(question, new SolveOptions { Stop = stop.Token }),
            new(new Question(puzzle.Picture, string.Join(" _ ", Enumerable.Repeat(puzzle.Code, 3))), new SolveOptions
            {
                IsConstrained = false,
                OnToken = (choice, _) => { if (solver.IsStop(choice.Token)) stop.Cancel(); },
            }),
        ];

        var solutions = solver.Solve(requests, TestContext.Current.CancellationToken);

        Assert.Equal((FinishReason.Cancelled, FinishReason.EndOfText), (solutions[0].Generation.Finish, solutions[1].Generation.Finish));
        Assert.Equal(0, solutions[0].Generation.Reading.FurtherLooks.Count);
        Assert.EndsWith("</answer>", solutions[0].Text, StringComparison.Ordinal);
        Assert.Equal(solutions[0].Generation.Choices.Count, solutions[0].Generation.TextTokens.Length);
    }

    private static bool NeedsLooks(Solver solver, Puzzle puzzle) =>
        solver.Solve(new Question(puzzle.Picture, puzzle.Code), cancellation: TestContext.Current.CancellationToken).Generation.Reading.FurtherLooks.Count > 0;

    private static string Read(string code, IReadOnlyList<DecidedLetter> letters) =>
        string.Concat(code.Where(char.IsAsciiLetter).Select(coded => letters.First(letter => letter.Coded == coded).Plain));
}
