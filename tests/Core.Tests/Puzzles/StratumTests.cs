using Vlm.Cryptogram;
using Vlm.Puzzles;

namespace Vlm.Core.Tests.Puzzles;

public sealed class StratumTests
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz";

    public static TheoryData<Stratum> Strata => [.. Enum.GetValues<Stratum>().Where(stratum => stratum != Stratum.Whole)];

    [Theory]
    [MemberData(nameof(Strata))]
    public void A_puzzle_says_what_its_picture_lets_one_answer(Stratum stratum)
    {
        foreach (var puzzle in Draw(stratum, 40))
        {
            Assert.Equal(stratum, puzzle.Stratum);
            Assert.Equal(puzzle.Code, puzzle.Cipher.EncodeSpaced(puzzle.Hidden));
            var coded = Message.FromSpaced(puzzle.Code);
            for (var i = 0; i < coded.Length; i++)
            {
                var isUnseen = puzzle.Unseen.Contains(coded[i], StringComparison.Ordinal);
                Assert.Equal(isUnseen ? Message.Unseen : puzzle.Hidden[i], puzzle.Answer[i]);
                Assert.DoesNotContain(coded[i], puzzle.Unclear);
            }

            Assert.Empty(puzzle.Unseen.Intersect(puzzle.Unclear));
            Assert.Equal(puzzle.Answer == puzzle.Hidden, puzzle.IsReadable);
        }
    }

    [Theory]
    [MemberData(nameof(Strata))]
    public void The_same_seed_gives_the_same_picture(Stratum stratum)
    {
        var (one, other) = (Draw(stratum, 6), Draw(stratum, 6));
        Assert.Equal(one.Select(puzzle => puzzle.Answer), other.Select(puzzle => puzzle.Answer));
        Assert.All(one.Zip(other), pair => Assert.True(pair.First.Picture.Pixels.AsSpan().SequenceEqual(pair.Second.Picture.Pixels)));
    }

    [Fact]
    public void Another_mixture_of_strata_leaves_whole_puzzles_as_they_are()
    {
        var options = PuzzleOptions.For(Split.Camera);
        var (whole, mixed) = (new PuzzleSource(options, 4), new PuzzleSource(options with { Strata = new StratumMix { Absent = 0.5, Empty = 0.5 } }, 4));
        var same = Enumerable.Range(0, 20).Where(index => mixed.At(index).Stratum == Stratum.Whole).ToList();
        Assert.InRange(same.Count, 4, 16);
        Assert.All(same, index => Assert.True(whole.At(index).Picture.Pixels.AsSpan().SequenceEqual(mixed.At(index).Picture.Pixels)));
    }

    [Fact]
    public void An_absent_letter_is_in_no_pair_and_all_others_are()
    {
        foreach (var puzzle in Draw(Stratum.Absent, 60))
        {
            Assert.InRange(puzzle.Unseen.Length, 1, 25);
            Assert.Equal(Alphabet.Except(puzzle.Unseen), puzzle.Pairs.Select(pair => pair.Coded).Order());
        }
    }

    [Fact]
    public void Messages_turn_on_a_hidden_letter_that_two_words_would_fit()
    {
        foreach (var stratum in new[] { Stratum.Absent, Stratum.Covered, Stratum.Contradictory })
        {
            var trapped = Draw(stratum, 60).Count(puzzle => Fitting(puzzle) > 1);
            Assert.InRange(trapped, 30, 60);
        }
    }

    [Fact]
    public void Covered_letters_are_some_and_a_free_letter_has_its_ink()
    {
        var puzzles = Draw(Stratum.Covered, 60);
        Assert.InRange(puzzles.Count(puzzle => puzzle.Unseen.Length is > 0 and < 13), 45, 60);
        Assert.All(puzzles, puzzle => Assert.All(puzzle.Pairs, pair =>
        {
            Assert.InRange(pair.PlainX, 0, puzzle.Picture.Width);
            Assert.InRange(pair.CodedY, 0, puzzle.Picture.Height);
        }));
    }

    [Fact]
    public void A_contradictory_picture_has_a_letter_twice()
    {
        foreach (var puzzle in Draw(Stratum.Contradictory, 40))
        {
            var (coded, plain) = (puzzle.Pairs.CountBy(pair => pair.Coded), puzzle.Pairs.CountBy(pair => pair.Plain));
            Assert.Equal(2, coded.Concat(plain).Max(letter => letter.Value));
            Assert.Contains(Message.Unseen, puzzle.Answer);
        }
    }

    [Fact]
    public void Reversed_pictures_can_be_read_and_some_codes_are_words_in_the_wrong_direction_too()
    {
        var puzzles = Draw(Stratum.Reversed, 60);
        Assert.All(puzzles, puzzle => Assert.True(puzzle.IsReadable));
        Assert.Contains(puzzles, puzzle => puzzle.Pairs[0].PlainX < puzzle.Pairs[0].CodedX);
        string Wrong(Puzzle puzzle) => string.Concat(Message.FromSpaced(puzzle.Code).Select(coded => coded == ' ' ? ' ' : puzzle.Cipher.Encode(coded)));
        Assert.InRange(puzzles.Count(puzzle => WordList.Contains(Wrong(puzzle))), 15, 60);
    }

    [Fact]
    public void An_empty_picture_has_no_pair_and_nothing_is_seen()
    {
        Assert.All(Draw(Stratum.Empty, 60), puzzle =>
        {
            Assert.Equal((AnswerStatus.NoDecoder, Alphabet), (puzzle.Status, puzzle.Unseen));
            Assert.Empty(puzzle.Pairs);
        });
    }

    [Fact]
    public void Of_two_sheets_the_one_that_is_plainly_larger_is_meant()
    {
        var puzzles = Draw(Stratum.Two, 40);
        Assert.InRange(puzzles.Count(puzzle => puzzle.IsReadable), 8, 32);
        Assert.All(puzzles, puzzle => Assert.Equal(puzzle.IsReadable ? 26 : 52, puzzle.Pairs.Count));
        foreach (var puzzle in puzzles.Where(puzzle => puzzle.IsReadable))
            Assert.All(puzzle.Pairs, pair => Assert.Equal(pair.Plain, puzzle.Cipher.Decode(pair.Coded)));
    }

    [Fact]
    public void Weights_without_a_sum_are_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new PuzzleSource(new PuzzleOptions { Strata = new StratumMix { Whole = 0 } }, 1));
        Assert.Contains("strata", error.Message, StringComparison.Ordinal);
    }

    private static List<Puzzle> Draw(Stratum stratum, int count)
    {
        var options = PuzzleOptions.For(Split.Train) with { Strata = StratumMix.Only(stratum), Messages = new MessageMix() };
        var source = new PuzzleSource(options, 5);
        return [.. Enumerable.Range(0, count).Select(index => source.At(index))];
    }

    /// <summary>Letters that make the first word a word where its first unseen one stands, the same one throughout.</summary>
    private static int Fitting(Puzzle puzzle)
    {
        var (answer, hidden) = (puzzle.Answer.Split(' ')[0], puzzle.Hidden.Split(' ')[0]);
        return Enumerable.Range(0, answer.Length).Where(i => answer[i] == Message.Unseen).Select(i => hidden[i]).Distinct()
            .Select(letter => Alphabet.Count(other => WordList.Contains(hidden.Replace(letter, other)))).DefaultIfEmpty(0).Max();
    }
}
