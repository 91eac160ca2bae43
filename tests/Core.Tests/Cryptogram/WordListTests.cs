using Vlm.Cryptogram;

namespace Vlm.Core.Tests.Cryptogram;

public sealed class WordListTests
{
    [Fact]
    public void There_are_ten_thousand_lower_case_words_of_three_letters_and_more()
    {
        var words = WordList.Train.Concat(WordList.HeldOut).ToList();

        Assert.Equal(10_000, words.Count);
        Assert.Equal(10_000, words.Distinct().Count());
        Assert.All(words, word => Assert.Matches("^[a-z]{3,18}$", word));
    }

    [Fact]
    public void Rare_words_are_others_and_all_are_known_by_their_length()
    {
        Assert.Equal(10_000, Enumerable.Range(1, 30).Sum(length => WordList.CommonOf(length).Count(word => word.Length == length)));
        var rare = Enumerable.Range(1, 30).SelectMany(length => WordList.RareOf(length).Where(word => word.Length == length)).ToList();
        Assert.InRange(rare.Count, 50_000, 60_000);
        Assert.All(rare, word => Assert.Matches("^[a-z]{3,}$", word));
        Assert.Empty(rare.Intersect(WordList.Train.Concat(WordList.HeldOut)));
        Assert.True(WordList.Contains("tundra") && WordList.Contains(WordList.HeldOut[0]) && WordList.Contains(WordList.Train[0]));
        Assert.False(WordList.Contains("qzxjv") || WordList.Contains(""));
        Assert.Empty(WordList.CommonOf(40));
    }

    [Fact]
    public void A_fixed_tenth_is_held_out()
    {
        Assert.InRange(WordList.HeldOut.Count, 900, 1100);
        Assert.Empty(WordList.HeldOut.Intersect(WordList.Train));
        Assert.All(WordList.HeldOut, word => Assert.True(WordList.IsHeldOut(word)));
        Assert.DoesNotContain(WordList.Train, WordList.IsHeldOut);
    }

    [Fact]
    public void Held_out_words_begin_and_end_like_the_others()
    {
        // A biased hash would hold out families of words. Expected shares of each first and last letter: a tenth.
        foreach (var place in (Func<string, char>[])[word => word[0], word => word[^1]])
        {
            var common = WordList.Train.Concat(WordList.HeldOut).GroupBy(place).Where(words => words.Count() >= 300);
            Assert.All(common, words => Assert.InRange(words.Count(WordList.IsHeldOut) / (double)words.Count(), 0.04, 0.18));
        }
    }
}
