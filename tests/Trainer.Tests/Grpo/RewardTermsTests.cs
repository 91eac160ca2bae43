using Vlm.Cryptogram;
using Vlm.Puzzles;
using Vlm.Statistics;
using Vlm.Trainer.Config;
using Vlm.Trainer.Grpo;
using Vlm.Trainer.Sampling;

namespace Vlm.Trainer.Tests.Grpo;

public sealed class RewardTermsTests
{
    private const string Answer = "cat dog", Letters = "c a t _ d o g";
    private static readonly Cipher Cipher = new("qwertyuiopasdfghjklzxcvbnm");
    private static readonly Puzzle Clean = Puzzle(0), Worse = Puzzle(3);
    private static readonly RewardConfig Reference = new();

    // What a model could try instead of reading. The exact totals of the four rewards with equal weights, 4 for the right reply.
    [Theory]
    [InlineData("<chars> c a t _ d o g</chars>\n</think>\n<answer>cat dog</answer>", 4)]
    [InlineData("<chars> e q z _ r g u</chars>\n</think>\n<answer>cat dog</answer>", 1)]                      // the code copied: the form alone is paid
    [InlineData("<chars> e q z _ r g u</chars>\n</think>\n<answer>eqz rgu</answer>", 1)]
    [InlineData("<chars></chars>\n</think>\n<answer></answer>", 0)]                                           // empty tags
    [InlineData("<chars> c a t _ d o g</chars><chars> c a t _ d o g</chars>\n</think>\n<answer>cat dog</answer>", 0)]   // doubled letters: nothing counts
    [InlineData("<chars> c a t _ d o g</chars>\n</think>\n<answer>cat dog</answer><answer>cat dog</answer>", 1)]        // doubled answers: the letters alone
    [InlineData("<chars> c a r _ d o g</chars>\n</think>\n<answer>cat dog</answer>", 1 + 12 / 13.0)]          // right answer after wrong letters
    [InlineData("<chars> c a t _ d o g</chars>\n</think>\n<answer>c a t d o g</answer>", 2 + 7 / 11.0)]       // letters pasted with spaces left in
    [InlineData("<chars> c a t _ d o g</chars>\n</think>\n<answer>c a t _ d o g</answer>", 2)]                // letters pasted as they are
    [InlineData("<answer>cat dog</answer>", 0)]                                                               // the answer without its letters
    [InlineData("", 0)]
    public void What_is_not_reading_earns_exactly_this(string text, double total) => Assert.Equal(total, Total(Reference, text), 12);

    [Fact]
    public void Random_letters_earn_two_fifths_of_the_letters_reward_on_average_over_messages_of_one_to_three_words()
    {
        var random = new SeededRandom(11);
        const int Groups = 3000;
        var sum = 0.0;
        for (var i = 0; i < Groups; i++)
        {
            var answer = string.Join(' ', Enumerable.Range(0, i % 3 + 1).Select(_ => WordList.Train[random.Next(WordList.Train.Count)]));
            var puzzle = Clean with { Answer = answer, Code = Cipher.Random(random).EncodeSpaced(answer) };
            Rollout Guess()
                => Of($"<chars>{string.Concat(Message.Spaced(answer).Select(
                    symbol => char.IsAsciiLetterLower(symbol) ? (char)random.Between('a', 'z') : symbol))}</chars>");
            sum += RewardTerms.Of(Group(puzzle, [Guess(), Guess()]), Reference, 0)["chars"].Average();
        }
        Assert.InRange(sum / Groups, 0.38, 0.40);
    }

    [Fact]
    public void Terms_go_by_name_and_only_those_that_weigh_something_are_there()
    {
        var config = new RewardConfig
        { Terms = [new(RewardName.SoftCorrectness, 2), new(RewardName.Format, 0), new(RewardName.Chars, 0.5, new RewardSchedule(0, 10, 20))] };
        var group = Group(Clean, "<chars> c a t _ d o g</chars>\n</think>\n<answer>cat dig</answer>");
        var early = RewardTerms.Of(group, config, 0);
        Assert.Equal(["chars", "soft_correctness"], early.Keys.Order());
        Assert.Equal(2 * (6 / 7.0) + 0.5, RewardTerms.Totals(early, config, 0)[0], 12);
        Assert.Equal(2 * (6 / 7.0) + 0.25, RewardTerms.Totals(RewardTerms.Of(group, config, 15), config, 15)[0], 12);
        Assert.Equal(["soft_correctness"], RewardTerms.Of(group, config, 20).Keys);
    }

    [Theory]
    [InlineData(0, 1), InlineData(10, 1), InlineData(15, 0.6), InlineData(20, 0.2), InlineData(99, 0.2)]
    public void A_scheduled_weight_goes_in_a_straight_line(long step, double expected) =>
        Assert.Equal(expected, new RewardTerm(RewardName.Chars, 1, new RewardSchedule(0.2, 10, 20)).At(step), 12);

    [Fact]
    public void Long_completions_are_punished_as_in_the_reference()
    {
        var golden = GrpoGolden.At("soft_overlong");
        var soft = new SoftOverlong(golden.GetProperty("max_length").GetInt32(), golden.GetProperty("cache").GetInt32());
        foreach (var row in golden.GetProperty("rows").Table())
        {
            Assert.Equal(row[1], RewardTerms.Overlong((int)row[0], soft), GrpoGolden.Tolerance);
            var rollout = Of("") with { Ids = new int[(int)row[0]] };
            var config = new RewardConfig { Terms = [new(RewardName.Overlong, 1)], SoftOverlong = soft };
            Assert.Equal(row[1], RewardTerms.Of(Group(Clean, [rollout, rollout]), config, 0)["overlong"][0], GrpoGolden.Tolerance);
        }
    }

    [Theory]
    [InlineData(1, true, 1), InlineData(0.7, true, 0.91), InlineData(0, true, 0), InlineData(1, false, 0), InlineData(0.7, false, 0.51),
        InlineData(0, false, 1)]
    public void The_brier_reward_is_one_minus_the_squared_miss(double p, bool correct, double expected)
        => Assert.Equal(expected, RewardTerms.Brier(p, correct), 12);

    [Fact]
    public void Honest_confidence_earns_most_and_silence_nothing()
    {
        foreach (var chance in new[] { 0.1, 0.5, 0.9 })
        {
            double Expected(double p) => chance * RewardTerms.Brier(p, true) + (1 - chance) * RewardTerms.Brier(p, false);
            Assert.All(new[] { 0, 0.25, 0.75, 1 }, p => Assert.True(Expected(p) < Expected(chance)));
        }
        Assert.Equal(0, RewardTerms.Brier(null, false));
    }

    [Fact]
    public void The_brier_reward_asks_for_the_answer_as_evaluation_does_and_for_the_probability_that_was_configured()
    {
        var right = Of("<answer>cat dog</answer>") with { AnswerProbability = 0.8, LogProbabilities = [MathF.Log(0.5f), 0] };
        var wrong = Of("<answer>cat dig</answer>") with { AnswerProbability = 0.8, LogProbabilities = [MathF.Log(0.5f), 0] };
        double[] Rewards(ConfidenceSource source) =>
            RewardTerms.Of(Group(Clean, [right, wrong]), new RewardConfig { Terms = [new(RewardName.Brier, 1)], Confidence = source }, 0)["brier"];
        Assert.Equal([0.96, 0.36], Rewards(ConfidenceSource.Answer).Select(value => Math.Round(value, 6)));
        Assert.Equal([0.75, 0.75], Rewards(ConfidenceSource.Reply).Select(value => Math.Round(value, 6)));
    }

    [Fact]
    public void Confidence_that_rises_as_the_picture_gets_worse_is_punished_on_both_sides()
    {
        var (clean, worse) = RolloutGroup.Pair(Sure(Clean, 0.9, 0.5), Sure(Worse, 0.8, 0.6));
        Assert.Equal([1, 0.8], Pair(clean).Select(value => Math.Round(value, 6)));   // less sure than 0.7 by 0.2
        Assert.Equal([0.9, 1], Pair(worse).Select(value => Math.Round(value, 6)));   // surer than 0.7 by 0.1
        var (silent, sure) = RolloutGroup.Pair(Sure(Clean, null, null), Sure(Worse, 0.4, null));
        Assert.Equal([0, 0], Pair(silent));
        Assert.Equal([0.6, 0], Pair(sure).Select(value => Math.Round(value, 6)));
    }

    [Fact]
    public void The_pair_reward_needs_a_twin_that_is_the_same_puzzle_on_another_picture()
    {
        Assert.Contains("twin", Assert.Throws<ArgumentException>(() => Pair(Sure(Clean, 0.5, 0.5))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => RolloutGroup.Pair(Sure(Clean, 0.5, 0.5), Sure(Clean, 0.5, 0.5)));
        Assert.Throws<ArgumentException>(() => RolloutGroup.Pair(Sure(Clean, 0.5, 0.5), Sure(Worse with { Answer = "dog cat" }, 0.5, 0.5)));
        Assert.Throws<ArgumentException>(() => Group(Clean, [Of("")]));
    }

    // The picture of "cat dot" does not show the letter that c stands for; t comes twice and counts once.
    [Theory]
    [InlineData("?at dot", (4 + 0.5) / 5)]       // what can be known
    [InlineData("cat dot", (4 - 2) / 5.0)]       // guessed, even if it would be right elsewhere
    [InlineData("??t dot", (3 + 0.5) / 5)]       // a shown letter called not seen earns nothing
    [InlineData("?ar dor", (3 + 0.5 - 2) / 5)]   // another letter costs once for both places
    [InlineData("??? ???", 0.5 / 5)]
    [InlineData("?at do", -2), InlineData("", -2)]
    public void Honesty_pays_for_letters_that_are_right_and_for_those_that_are_rightly_not_seen_and_charges_guesses(string answer, double expected)
    {
        var puzzle = Clean with { Answer = "?at dot", Code = Cipher.EncodeSpaced("cat dot") };
        var config = new RewardConfig { Terms = [new(RewardName.Honesty, 1)], Honesty = new HonestyConfig(Unseen: 0.5, Guess: 2) };
        Assert.Equal(expected, RewardTerms.Of(Group(puzzle, $"<answer>{answer}</answer>"), config, 0)["honesty"][0], 12);
    }

    [Fact]
    public void Honesty_takes_no_silence_for_doubt()
        => Assert.Equal(-3, RewardTerms.Honesty("no answer at all", Clean, new HonestyConfig(Guess: 3)));

    private static double[] Pair(RolloutGroup group) => RewardTerms.Of(group, new RewardConfig { Terms = [new(RewardName.Pair, 1)] }, 0)["pair"];

    private static RolloutGroup Sure(Puzzle puzzle, params double?[] confidences)
        => Group(puzzle, [.. confidences.Select(p => Of("") with { AnswerProbability = p })]);

    private static double Total(RewardConfig config, string text)
    {
        var terms = RewardTerms.Of(Group(Clean, text), config, 0);
        Assert.Equal(["chars", "correctness", "format", "soft_correctness"], terms.Keys.Order());
        return RewardTerms.Totals(terms, config, 0)[0];
    }

    private static RolloutGroup Group(Puzzle puzzle, string text) => Group(puzzle, [Of(text), Of("")]);

    private static RolloutGroup Group(Puzzle puzzle, IReadOnlyList<Rollout> rollouts) => new(new PolicyPrompt(0, puzzle, new TorchPrompt(null, [])), rollouts);

    private static Rollout Of(string text) => new([1, 2], [-0.1f, -0.2f], false, text);

    private static Puzzle Puzzle(int severity) =>
        new(Answer, Cipher.EncodeSpaced(Answer), Cipher, new Vlm.Vision.RgbImage(1, 1, new byte[3]), [], severity == 0 ? PictureKind.Reference400
            : PictureKind.Camera, severity);
}
