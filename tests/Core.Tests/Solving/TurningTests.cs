using Vlm.Puzzles;
using Vlm.Solving;

namespace Vlm.Core.Tests.Solving;

/// <summary>Sheets that hang sideways or upside down.</summary>
[Collection(nameof(Alone))]
public sealed class TurningTests
{
    [Fact]
    public void A_sheet_that_hangs_any_way_is_read_as_the_upright_one_and_says_how_it_was_turned()
    {
        using var solver = Solver.Open(Path.Combine(Repository.Root, "models", "cryptogram-edge"));
        var source = new PuzzleSource(PuzzleOptions.For(Split.Clean), 77);
        Puzzle[] puzzles = [.. Enumerable.Range(0, 3).Select(i => source.At(i))];
        foreach (var quarters in Enumerable.Range(0, 4))
        {
            Question[] questions = [.. puzzles.Select(puzzle => new Question(puzzle.Picture.Turned(quarters), puzzle.Code))];
            var solutions = solver.Solve(questions, cancellation: TestContext.Current.CancellationToken);

            Assert.Equal(puzzles.Select(puzzle => puzzle.Answer), solutions.Select(solution => solution.Answer));
            Assert.All(solutions, solution => Assert.Equal((4 - quarters) % 4, solution.QuarterTurns));
            Assert.All(solutions.Zip(puzzles), pair => Assert.Equal(pair.Second.Picture.Pixels, pair.First.Question.Picture.Pixels));
        }
    }

    [Fact]
    public void Another_way_is_taken_only_where_the_first_is_not_clear_and_the_other_is_clearer()
    {
        var clear = Reply(0.99, 0.97);
        var lost = Reply(0.6, 0.3);

        Assert.False(Sideways.IsWorthATurn(clear));
        Assert.True(Sideways.IsWorthATurn(lost));
        Assert.Equal(1, Sideways.Best(lost, [Reply(0.5, 0.5), clear, Reply(0.9, 0.8)]));
        Assert.Null(Sideways.Best(lost, [Reply(0.5, 0.5), Reply(0.5, 0.45), lost]));
    }

    [Fact]
    public void A_picture_that_does_not_show_its_letters_is_not_turned_until_one_looks_like_something() =>
        Assert.Null(Sideways.Best(Reply(0.05, 0.05), [Reply(0.9, 0.3), Reply(0.6, 0.6), Reply(0.1, 0.95)]));

    [Fact]
    public void Unseen_letters_are_not_clear_and_a_reply_that_was_stopped_is_not_turned()
    {
        var unseen = new Generation([], FinishReason.EndOfText, default)
        {
            Reading = new LetterReading { Decided = [new('a', 'b', Math.Log(0.99)), new('c', '?', Math.Log(0.99))] },
        };

        Assert.Equal(0.495, Sideways.Clarity(unseen), 1e-9);
        Assert.True(Sideways.IsWorthATurn(unseen));
        Assert.False(Sideways.IsWorthATurn(unseen with { Finish = FinishReason.Cancelled }));
        Assert.False(Sideways.IsWorthATurn(new Generation([], FinishReason.EndOfText, default)));
    }

    [Fact]
    public void Four_quarter_turns_are_none_and_two_are_a_half()
    {
        var picture = new PuzzleSource(PuzzleOptions.For(Split.Fonts), 5).At(0).Picture;

        Assert.Equal(picture.Pixels, picture.Turned(1).Turned(1).Turned(1).Turned(1).Pixels);
        Assert.Equal(picture.Turned(2).Pixels, picture.Turned(1).Turned(1).Pixels);
        Assert.Equal(picture.Turned(3).Pixels, picture.Turned(2).Turned(1).Pixels);
        // Clockwise: what was bottom left is top left.
        Assert.Equal(picture.Pixels[((picture.Height - 1) * picture.Width * 3)..][..3], picture.Turned(1).Pixels[..3]);
    }

    private static Generation Reply(params double[] beliefs) => new([], FinishReason.EndOfText, default)
    {
        Reading = new LetterReading { Decided = [.. beliefs.Select((belief, i) => new DecidedLetter((char)('a' + i), (char)('b' + i), Math.Log(belief)))] },
    };
}
