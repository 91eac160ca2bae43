using FsCheck;
using FsCheck.Fluent;
using Vlm.Cryptogram;
using Vlm.Solving;
using Vlm.Statistics;

namespace Vlm.Core.Tests.Solving;

/// <summary>An answer is as likely as the alternatives leave it.</summary>
public sealed class AnswerPosteriorTests
{
    private static readonly double Uniform = Math.Log(1 / 26.0);

    [Fact]
    public void A_picture_that_shows_nothing_gives_every_word_of_a_length_about_one_in_their_number()
    {
        var nothing = "abc".Select(coded => new LetterBelief(coded, [.. Enumerable.Repeat(Uniform, 26)])).ToArray();
        var common = WordList.CommonOf(3).Count;
        var posterior = AnswerPosterior.From("a b c", "par", nothing)!.Value;
        Assert.Contains("par", WordList.CommonOf(3));
        Assert.InRange(Probability(posterior.Words), 0.3 / common, 1.2 / common);
        Assert.Equal(3 * Uniform, Math.Log(Probability(posterior.Letters)), 1e-9);
        Assert.Equal(Uniform, posterior.Least, 1e-9);
        // No word: as unlikely as any other string.
        Assert.InRange(Probability(AnswerPosterior.From("a b c", "qzx", nothing)!.Value.Words), 0, 1e-4);
    }

    [Fact]
    public void A_hidden_letter_that_makes_two_words_gives_each_about_a_half_and_one_that_makes_only_this_word_is_given_by_it()
    {
        LetterBelief[] beliefs = [Sure('a', 'c'), Sure('b', 'a'), Between('c', 't', 'r')];
        Assert.InRange(Probability(AnswerPosterior.From("a b c", "cat", beliefs)!.Value.Words), 0.4, 0.6);
        Assert.InRange(Probability(AnswerPosterior.From("a b c", "car", beliefs)!.Value.Words), 0.4, 0.6);
        LetterBelief[] kitchen = [Sure('a', 'k'), Sure('b', 'i'), Sure('c', 't'), Sure('d', 'c'), Sure('e', 'h'), Between('f', 'e', 'o'), Sure('g', 'n')];
        var posterior = AnswerPosterior.From("a b c d e f g", "kitchen", kitchen)!.Value;
        Assert.InRange(Probability(posterior.Words), 0.999, 1);
        Assert.InRange(Probability(posterior.Letters), 0.4, 0.5);
    }

    [Fact]
    public void A_string_that_is_no_word_is_likely_where_every_letter_was_read_surely()
    {
        LetterBelief[] beliefs = [.. "abcde".Zip("qzxjv", Sure)];
        Assert.InRange(Probability(AnswerPosterior.From("a b c d e", "qzxjv", beliefs)!.Value.Words), 0.99, 1);
    }

    [Fact]
    public void Letters_that_words_share_are_counted_once_and_no_words_doubt_is_hidden_by_another()
    {
        LetterBelief[] beliefs = [Sure('a', 'q'), Sure('b', 'z'), Between('c', 'x', 'j')];
        var once = Probability(AnswerPosterior.From("a b c", "qzx", beliefs)!.Value.Words);
        Assert.Equal(once, Probability(AnswerPosterior.From("a b c _ c b a", "qzx xzq", beliefs)!.Value.Words), 0.02);
        // "fot" is no word, "for" is: that speaks against "cat" beside "car", whichever is written first.
        LetterBelief[] shared = [Sure('a', 'c'), Sure('b', 'a'), new LetterBelief('c', Belief(('t', 0.9), ('r', 0.09))), Sure('d', 'f'), Sure('e', 'o')];
        Assert.InRange(Probability(AnswerPosterior.From("a b c", "cat", shared)!.Value.Words), 0.8, 1);
        Assert.InRange(Probability(AnswerPosterior.From("a b c _ d e c", "cat fot", shared)!.Value.Words), 0, 0.5);
        Assert.InRange(Probability(AnswerPosterior.From("d e c _ a b c", "fot cat", shared)!.Value.Words), 0, 0.5);
    }

    [Fact]
    public void What_is_not_in_the_picture_is_shown_by_no_word()
    {
        LetterBelief[] beliefs = [Sure('a', 'k'), Sure('b', 'i'), Sure('c', 't'), Sure('d', 'c'), Sure('e', 'h'), Sure('g', 'n'),
            new LetterBelief('f', [.. Enumerable.Range('a', 26).Select(letter => Math.Log(letter == 'e' ? 0.1 : 1e-9))], Math.Log(0.9))];
        Assert.InRange(Probability(AnswerPosterior.From("a b c d e f g", "kitchen", beliefs)!.Value.Words), 0.08, 0.12);
    }

    [Fact]
    public void An_answer_that_does_not_follow_its_code_or_was_not_asked_for_has_none()
    {
        LetterBelief[] beliefs = [Sure('a', 'c'), Sure('b', 'a')];
        Assert.Null(AnswerPosterior.From("a b c", "cat", beliefs));
        Assert.Null(AnswerPosterior.From("a b", "ca t", beliefs));
        Assert.Null(AnswerPosterior.From("a b", "c?", beliefs));
        Assert.NotNull(AnswerPosterior.From("a b", "ca", beliefs));
    }

    [Fact]
    public void Less_belief_in_a_letter_of_the_answer_makes_nothing_likelier() =>
        Prop.ForAll(Gen.Choose(0, 1 << 30).ToArbitrary(), seed =>
        {
            var rng = SeededRandom.From(6, seed);
            var words = Enumerable.Range(0, rng.Between(1, 3)).Select(_ => rng.Chance(0.8) ? WordList.Train[rng.Next(WordList.Train.Count)] : "qzxj");
            var (answer, cipher, clarity) = (string.Join(' ', words), Cipher.Random(rng), rng.Between(0, 10));
            var code = cipher.EncodeSpaced(answer);
            LetterBelief[] beliefs = [.. code.Where(char.IsAsciiLetter).Distinct().Select(coded => Random(coded, cipher.Decode(coded), clarity, rng))];
            var which = rng.Next(beliefs.Length);
            var lower = Lowered(beliefs[which], cipher.Decode(beliefs[which].Coded) - 'a', rng);
            var before = AnswerPosterior.From(code, answer, beliefs)!.Value;
            var after = AnswerPosterior.From(code, answer, [.. beliefs.Select((belief, i) => i == which ? lower : belief)])!.Value;
            return after.Least <= before.Least + 1e-9 && after.Letters <= before.Letters + 1e-9 && after.Words <= before.Words + 1e-9;
        }).QuickCheckThrowOnFailure();

    private static double Probability(double logOdds) => 1 / (1 + Math.Exp(-logOdds));

    private static LetterBelief Sure(char coded, char plain) => new(coded, Belief((plain, 0.9999)));

    private static LetterBelief Between(char coded, char one, char other) => new(coded, Belief((one, 0.49), (other, 0.49)));

    private static double[] Belief(params (char Plain, double Probability)[] known)
    {
        var rest = (1 - known.Sum(item => item.Probability)) / (26 - known.Length);
        double Of(int plain) => known.Where(item => item.Plain == plain).Select(item => item.Probability).DefaultIfEmpty(rest).First();
        return [.. Enumerable.Range('a', 26).Select(plain => Math.Log(Of(plain)))];
    }

    private static LetterBelief Random(char coded, char plain, int clarity, SeededRandom rng)
    {
        double[] weights = [.. Enumerable.Range('a', 26).Select(letter => Math.Pow(rng.NextDouble(), 6) + (letter == plain ? Math.Exp(clarity) : 0) + 1e-7)];
        return new LetterBelief(coded, [.. weights.Select(weight => Math.Log(weight / weights.Sum()))]);
    }

    /// <summary>With less belief in one letter; what it loses goes to another, or to all in their shares.</summary>
    private static LetterBelief Lowered(LetterBelief belief, int letter, SeededRandom rng)
    {
        double[] chances = [.. belief.Logs.Select(Math.Exp)];
        var (lost, isShared) = (chances[letter] * rng.NextDouble(), rng.Chance(0.5));
        var (rest, one) = (1 - chances[letter], (letter + rng.Between(1, 25)) % 26);
        return belief with
        {
            Logs = [.. chances.Select((chance, i) => Math.Log(i == letter ? chance - lost : Gained(chance, i)))],
        };

        double Gained(double chance, int i) => isShared ? chance * (1 + (lost / rest)) : i == one ? chance + lost : chance;
    }
}
