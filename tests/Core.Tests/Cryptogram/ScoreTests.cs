using FsCheck;
using FsCheck.Fluent;
using Vlm.Cryptogram;
using Vlm.Statistics;

namespace Vlm.Core.Tests.Cryptogram;

public sealed class ScoreTests
{
    private static readonly Cipher Cipher = new("qwertyuiopasdfghjklzxcvbnm");

    [Theory]
    [InlineData("cat")]
    [InlineData("cat dog")]
    [InlineData("groundlight loves pictures")]
    public void The_right_reply_gets_all_four_rewards(string answer)
    {
        var rewards = Of(Message.Spaced(answer), answer, answer);

        Assert.Equal(new Rewards(1, 1, 1, 1), rewards);
        Assert.Equal(4, rewards.Total);
    }

    [Fact]
    public void Copying_the_code_gets_nothing_for_the_letters()
    {
        foreach (var answer in new[] { "cat", "cat dog", "monetarism sparks boundless" })
            Assert.Equal(new Rewards(0, 0, 1, 0), Of(Cipher.EncodeSpaced(answer), answer, answer));
    }

    [Fact]
    public void The_right_answer_after_wrong_letters_gets_nothing_for_the_answer()
    {
        var rewards = Of("c a r _ d o g", "cat dog", "cat dog");

        Assert.Equal(0, rewards.Correctness);
        Assert.Equal(0, rewards.SoftCorrectness);
        Assert.Equal(1 - (1 / 13.0), rewards.Chars, 12);
    }

    [Theory]
    [InlineData("<chars></chars>\n</think>\n<answer></answer>")]
    [InlineData("\n</think>\n")]
    [InlineData("")]
    [InlineData(null)]
    public void Empty_sections_get_nothing(string? completion) =>
        Assert.Equal(new Rewards(0, 0, 0, 0), Score.Of(completion, "cat dog", Cipher.EncodeSpaced("cat dog")));

    [Theory]
    [InlineData("<chars> c a t</chars><chars> x</chars>\n</think>\n<answer>cat</answer>", 0, 0, 0, 0)]
    [InlineData("<chars> c a t</chars>\n</think>\n<answer>cat</answer><answer>dog</answer>", 1, 0, 0, 0)]
    [InlineData("<answer>cat</answer><chars> c a t</chars>\n</think>\n<answer>cat</answer>", 1, 0, 0, 0)]
    [InlineData("<think><chars> c a t</chars>\n</think>\n<answer>cat</answer>", 1, 1, 0, 1)]
    [InlineData("<chars> c a t</chars>\n</think>\n<answer>cat</answer>\n", 1, 1, 0, 1)]
    [InlineData("<chars> c a t</chars></think><answer>cat</answer>", 1, 1, 0, 1)]
    public void Doubled_sections_count_for_nothing_and_sloppy_ones_lose_the_format(
        string completion, double chars, double correct, double format, double soft) =>
        Assert.Equal(new Rewards(chars, correct, format, soft), Score.Of(completion, "cat", Cipher.EncodeSpaced("cat")));

    // The ranges are those of the reference: what the spaces and underscores give away, less what the anti-copying gate takes.
    [Theory]
    [InlineData(1, 0.38, 0.40)]
    [InlineData(2, 0.38, 0.40)]
    [InlineData(3, 0.37, 0.39)]
    public void Random_letters_get_two_fifths_on_average(int words, double low, double high) =>
        Assert.InRange(AverageChars(words, (spaced, rng) => Guess(spaced, rng, knownOf4: 0)), low, high);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Half_of_the_letters_get_about_three_quarters(int words) =>
        Assert.InRange(AverageChars(words, (spaced, rng) => Guess(spaced, rng, knownOf4: 2)), 0.73, 0.79);

    [Theory]
    [InlineData(1, 0.88, 0.93)]
    [InlineData(2, 0.95, 0.97)]
    [InlineData(3, 0.97, 0.98)]
    public void One_wrong_letter_costs_one_symbol(int words, double low, double high) =>
        Assert.InRange(AverageChars(words, (spaced, _) => spaced[..^1] + (spaced[^1] == 'z' ? 'y' : 'z')), low, high);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Right_letters_without_spaces_get_half(int words) =>
        Assert.InRange(AverageChars(words, (spaced, _) => Message.FromSpaced(spaced)), 0.51, 0.56);

    [Theory]
    [InlineData("c a t", "c a r", 0.8)]
    [InlineData("c a t", "cat", 0.6)]
    [InlineData("w o n d e r f u l", "w o n d e r f u k", 16 / 17.0)]
    [InlineData("c a t _ d o g", "c a t _ d o g _ d o g", 13 / 21.0)]
    public void The_letters_score_is_one_minus_the_relative_distance(string right, string given, double expected) =>
        Assert.Equal(expected, Of(given, "x", Message.FromSpaced(right), "z z z").Chars, 12);

    [Theory]
    [InlineData("cat dog", "cat dog", 1)]
    [InlineData("cat dog", "cat dig", 1 - (1 / 7.0))]
    [InlineData("cat dog", "catdog", 1 - (1 / 7.0))]
    [InlineData("cat dog", "c a t _ d o g", 0)]
    [InlineData("cat dog", "Cat dog", 0)]
    [InlineData("cat dog", "cat, dog", 0)]
    [InlineData("cat", "ca", 1 - (1 / 3.0))]
    [InlineData("cat", "c", 0)]
    [InlineData("cat", "dog", 0)]
    public void The_soft_score_needs_right_letters_and_must_beat_pasting_them(string answer, string given, double expected) =>
        Assert.Equal(expected, Of(Message.Spaced(answer), given, answer).SoftCorrectness, 12);

    [Fact]
    public void Distances_are_those_of_levenshtein()
    {
        Assert.Equal(3, Score.Distance("kitten", "sitting"));
        Assert.Equal(2, Score.Distance("c a t", "cat"));
        Assert.Equal(6, Score.Distance("c a t _ d o g", "cat dog"));
        Assert.Equal(4, Score.Distance("", "four"));
        Prop.ForAll<NonNull<string>, NonNull<string>, NonNull<string>>((a, b, c) =>
            Score.Distance(a.Get, b.Get) == Score.Distance(b.Get, a.Get)
            && (Score.Distance(a.Get, b.Get) == 0) == (a.Get == b.Get)
            && Score.Distance(a.Get, c.Get) <= Score.Distance(a.Get, b.Get) + Score.Distance(b.Get, c.Get)).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void All_rewards_lie_between_zero_and_one_for_any_text() =>
        Prop.ForAll<string, string, string>((chars, answer, around) =>
        {
            var rewards = Score.Of($"{around}<chars>{chars}</chars>\n</think>\n<answer>{answer}</answer>", "cat dog", Cipher.EncodeSpaced("cat dog"));
            return new[] { rewards.Chars, rewards.Correctness, rewards.Format, rewards.SoftCorrectness }.All(reward => reward is >= 0 and <= 1);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Evaluation_asks_for_the_answer_alone()
    {
        Assert.True(Score.IsExact("nothing else <answer> cat dog\n</answer> here", "cat dog"));
        Assert.False(Score.IsExact("<answer>Cat dog</answer>", "cat dog"));
        Assert.False(Score.IsExact("<answer>cat  dog</answer>", "cat dog"));
        Assert.False(Score.IsExact("<answer>cat dog</answer><answer>cat dog</answer>", "cat dog"));
        Assert.False(Score.IsExact(null, "cat dog"));
    }

    private static double AverageChars(int words, Func<string, SeededRandom, string> reply)
    {
        var rng = new SeededRandom(3);
        const int count = 3000;
        var sum = 0.0;
        for (var i = 0; i < count; i++)
        {
            var answer = string.Join(' ', Enumerable.Range(0, words).Select(_ => WordList.Train[rng.Next(WordList.Train.Count)]));
            var code = Cipher.Random(rng).EncodeSpaced(answer);
            sum += Of(reply(Message.Spaced(answer), rng), answer, answer, code).Chars;
        }

        return sum / count;
    }

    /// <summary>The right spaces and, of every four symbols that are letters, so many right letters; the others random.</summary>
    private static string Guess(string spaced, SeededRandom rng, int knownOf4) =>
        string.Concat(spaced.Select((symbol, at) => !char.IsAsciiLetterLower(symbol) || at / 2 % 4 < knownOf4 ? symbol : (char)rng.Between('a', 'z')));

    private static Rewards Of(string chars, string given, string answer, string? code = null) =>
        Score.Of($"<chars>{chars}</chars>\n</think>\n<answer>{given}</answer>", answer, code ?? Cipher.EncodeSpaced(answer));
}
