using FsCheck;
using FsCheck.Fluent;
using Vlm.Cryptogram;
using Vlm.Solving;
using Vlm.Statistics;

namespace Vlm.Core.Tests.Solving;

/// <summary>Words decide what reading leaves open, and nothing else.</summary>
public sealed class WordDecisionTests
{
    [Fact]
    public void A_word_decides_between_letters_that_look_alike()
    {
        // "kitchcn" is what was read; e is nearly as likely for the sixth letter.
        var beliefs = Beliefs("abcdefg", "kitchcn", sure: 0.98).Select(belief => belief.Coded == 'f' ? Belief('f', ('o', 0.5), ('e', 0.45)) : belief).ToArray();
        var decided = WordDecision.Decide("a b c d e f g", beliefs, Read(("a", 'k'), ("b", 'i'), ("c", 't'), ("d", 'c'), ("e", 'h'), ("f", 'o'), ("g", 'n')));
        Assert.Equal("kitchen", Plain("abcdefg", decided));
        Assert.True(decided.All(letter => letter.LogProbability > Math.Log(0.99)), string.Join(' ', decided));
    }

    [Fact]
    public void A_rare_word_is_found_too_but_gives_way_to_a_common_one()
    {
        // "tundra" is rare; of "carp" and "card" the second is common.
        var tundra = WordDecision.Decide("a b c d e f", Doubtful("abcdef", "tundra", 'f', 'o'),
            Read([.. "abcdef".Zip("tundro", (coded, plain) => ($"{coded}", plain))]));
        Assert.Equal("tundra", Plain("abcdef", tundra));
        var card = WordDecision.Decide("a b c d", Doubtful("abcd", "carp", 'd', 'd'), Read([.. "abcd".Zip("carp", (coded, plain) => ($"{coded}", plain))]));
        Assert.Equal("card", Plain("abcd", card));
        Assert.True(card[3].LogProbability < Math.Log(0.99), $"{card[3]}");
    }

    [Fact]
    public void A_letter_that_was_read_surely_is_not_overruled()
    {
        var decided = WordDecision.Decide("a b c d e f g", Beliefs("abcdefg", "kitchon", sure: 0.9999),
            Read([.. "abcdefg".Zip("kitchon", (coded, plain) => ($"{coded}", plain))]));
        Assert.Equal("kitchon", Plain("abcdefg", decided));
    }

    [Fact]
    public void What_no_word_of_the_list_can_be_stays_as_it_was_read()
    {
        var decided = WordDecision.Decide("a b c d e", Beliefs("abcde", "qzxjv", sure: 0.9),
            Read([.. "abcde".Zip("qzxjv", (coded, plain) => ($"{coded}", plain))]));
        Assert.Equal("qzxjv", Plain("abcde", decided));
    }

    [Fact]
    public void Two_words_that_fit_alike_share_the_belief_and_a_second_word_decides()
    {
        // The third letter is t or r; "cat" and "car" are both words, of "sat" and "sar" only one is.
        var beliefs = Beliefs("abcd", "cats", sure: 0.999).Select(belief => belief.Coded == 'c' ? Belief('c', ('t', 0.49), ('r', 0.49)) : belief).ToArray();
        var read = Read(("a", 'c'), ("b", 'a'), ("c", 'r'), ("d", 's'));
        var alone = WordDecision.Decide("a b c", [.. beliefs.Take(3)], [.. read.Take(3)]);
        Assert.InRange(Math.Exp(alone[2].LogProbability), 0.45, 0.55);
        var together = WordDecision.Decide("a b c _ d b c", beliefs, read);
        Assert.Equal('t', together[2].Plain);
        Assert.True(together[2].LogProbability > Math.Log(0.95), $"{together[2]}");
    }

    [Fact]
    public void Whatever_was_read_no_plain_letter_is_decided_twice_and_every_belief_is_a_probability()
    {
        Prop.ForAll(
            Gen.Choose(0, 1 << 30).ToArbitrary(),
            seed =>
            {
                var rng = SeededRandom.From(5, seed);
                var (cipher, words) = (Cipher.Random(rng), Enumerable.Range(0, rng.Between(1, 3)).Select(_ => WordList.Train[rng.Next(WordList.Train.Count)]));
                var code = cipher.EncodeSpaced(string.Join(' ', words));
                LetterBelief[] beliefs = [.. Enumerable.Range('a', 26).Select(coded => Random((char)coded, rng))];
                var read = LetterDecision.Decide(beliefs).Where(letter => code.Contains(letter.Coded, StringComparison.Ordinal)).ToArray();
                var decided = WordDecision.Decide(code, beliefs, read);
                return decided.Select(letter => letter.Coded).SequenceEqual(read.Select(letter => letter.Coded))
                    && decided.Select(letter => letter.Plain).Distinct().Count() == decided.Count
                    && decided.All(letter => letter.LogProbability is <= 0 and > double.NegativeInfinity);
            }).QuickCheckThrowOnFailure();
    }

    private static LetterBelief[] Beliefs(string coded, string plain, double sure) => [.. coded.Zip(plain, (code, letter) => Belief(code, (letter, sure)))];

    /// <summary>As read surely, but for one letter, which may as well be another.</summary>
    private static LetterBelief[] Doubtful(string coded, string plain, char doubtful, char other) =>
        [.. Beliefs(coded, plain, 0.999).Select(
            belief => belief.Coded == doubtful ? Belief(doubtful, (plain[coded.IndexOf(doubtful, StringComparison.Ordinal)], 0.48), (other, 0.48)) : belief)];

    private static DecidedLetter[] Read(params (string Coded, char Plain)[] letters) =>
        [.. letters.Select(letter => new DecidedLetter(letter.Coded[0], letter.Plain, Math.Log(0.5)))];

    private static string Plain(string coded, IReadOnlyList<DecidedLetter> decided) =>
        string.Concat(coded.Select(letter => decided.First(item => item.Coded == letter).Plain));

    private static LetterBelief Belief(char coded, params (char Plain, double Probability)[] known)
    {
        var rest = (1 - known.Sum(item => item.Probability)) / (26 - known.Length);
        double Of(int plain) => known.Where(item => item.Plain == plain).Select(item => item.Probability).DefaultIfEmpty(rest).First();
        return new LetterBelief(coded, [.. Enumerable.Range('a', 26).Select(plain => Math.Log(Of(plain)))]);
    }

    private static LetterBelief Random(char coded, SeededRandom rng)
    {
        double[] weights = [.. Enumerable.Range(0, 26).Select(_ => Math.Pow(rng.NextDouble(), 8) + 1e-6)];
        return new LetterBelief(coded, [.. weights.Select(weight => Math.Log(weight / weights.Sum()))]);
    }
}
