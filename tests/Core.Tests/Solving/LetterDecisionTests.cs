using Vlm.Solving;
using Vlm.Statistics;

namespace Vlm.Core.Tests.Solving;

public sealed class LetterDecisionTests
{
    [Fact]
    public void Sure_and_different_letters_are_not_in_doubt() => Assert.False(LetterDecision.IsInDoubt([Belief('q', ('a', 0.999)), Belief('x', ('b', 0.999))]));

    [Fact]
    public void An_unsure_letter_and_two_that_want_the_same_one_are()
    {
        Assert.True(LetterDecision.IsInDoubt([Belief('q', ('a', 0.98))]));
        Assert.True(LetterDecision.IsInDoubt([Belief('q', ('a', 0.999)), Belief('x', ('a', 0.999))]));
    }

    [Fact]
    public void With_the_whole_alphabet_a_letter_that_is_sure_elsewhere_is_ruled_out()
    {
        LetterBelief[] beliefs =
            [Belief('a', ('n', 0.55), ('m', 0.44)),
                .. Enumerable.Range('b', 25).Select(letter => Belief((char)letter, (letter == 'n' ? 'a' : letter == 'm' ? 'n' : (char)letter, 0.9999)))];
        // m is the only letter that nobody else has; n is sure to be that of m.
        var decided = LetterDecision.Decide(beliefs);
        Assert.Equal('m', decided[0].Plain);
        Assert.True(decided[0].LogProbability > Math.Log(0.99), $"{decided[0]}");
        Assert.False(LetterDecision.IsOpen(decided));
    }

    [Fact]
    public void Looks_are_worth_their_mean_and_one_is_worth_itself()
    {
        var together = LetterDecision.Together([[Belief('q', ('a', 0.6), ('b', 0.3)), Belief('x', ('c', 0.9))], [Belief('q', ('a', 0.2), ('b', 0.7))]]);
        Assert.Equal(['q', 'x'], together.Select(belief => belief.Coded));
        Assert.Equal((Math.Log(0.6) + Math.Log(0.2)) / 2, together[0].Logs[0], 1e-12);
        Assert.Equal('b', LetterDecision.Decide(together)[0].Plain);
        Assert.Equal(Math.Log(0.9), together[1].Logs[2], 1e-12);
    }

    [Fact]
    public void A_look_that_sees_nothing_does_not_take_a_letter_from_those_that_read_it()
    {
        var together = LetterDecision.Together([[Unseen('q', 0.01, ('a', 0.98))], [Unseen('q', 0.01, ('a', 0.97))], [Unseen('q', 0.995, ('x', 0.003))]]);
        Assert.Equal('a', together[0].Likeliest);
        Assert.True(Math.Exp(together[0].Logs[0]) > 0.7, $"{Math.Exp(together[0].Logs[0])}");
        // As one distribution it would have: the mean of ln p is -3.2 for 'a' and -3.1 for "unseen".
        Assert.True(together[0].Unseen < Math.Log(0.25), $"{Math.Exp(together[0].Unseen)}");
    }

    [Fact]
    public void Looks_that_disagree_about_a_letter_leave_it_unsure_and_never_claim_more_than_certainty()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var rng = SeededRandom.From(6, seed);
            IReadOnlyList<LetterBelief>[] looks = [.. Enumerable.Range(0, 4).Select(IReadOnlyList<LetterBelief> (_) =>
                [Unseen('q', rng.Uniform(0, 0.2f), ((char)rng.Between('a', 'd'), rng.Uniform(0.3f, 0.79f)))])];
            var together = LetterDecision.Together(looks)[0];
            var sum = together.Logs.Sum(Math.Exp) + Math.Exp(together.Unseen);
            Assert.InRange(sum, 0, 1 + 1e-9);
            if (looks.Select(look => look[0].Likeliest).Distinct().Count() > 1) Assert.True(sum < 0.99);
        }
    }

    [Fact]
    public void On_the_box_a_hidden_letter_is_rarer_than_in_training_but_a_picture_without_a_letter_stays_one()
    {
        var look = LetterDecision.OnTheBox([Unseen('q', 0.6, ('a', 0.35)), Unseen('x', 0.01, ('b', 0.98))]);
        Assert.Equal('a', look[0].Likeliest);
        Assert.Equal(Math.Log(0.6 / 0.4) - 1, look[0].Unseen - Math.Log(1 - Math.Exp(look[0].Unseen)), 1e-9);
        Assert.Equal(1, look[0].Logs.Sum(Math.Exp) + Math.Exp(look[0].Unseen), 1e-9);

        LetterBelief[] hidden = [Unseen('q', 0.6, ('a', 0.35)), Unseen('x', 0.55, ('b', 0.4)), Unseen('y', 0.01, ('c', 0.98))];
        Assert.Equal(hidden, LetterDecision.OnTheBox(hidden));
        Assert.Equal('a', LetterDecision.OnTheBox([Belief('q', ('a', 0.9))])[0].Likeliest);
    }

    [Fact]
    public void A_picture_in_which_a_letter_or_two_are_hardly_seen_and_none_clearly_shows_no_decoder()
    {
        LetterBelief[] Alphabet(params LetterBelief[] seen) =>
            [.. seen, .. Enumerable.Range('a', 26 - seen.Length).Select(letter => Unseen((char)letter, 0.99))];

        Assert.All(LetterDecision.Decide(Alphabet(Unseen('y', 0.2, ('a', 0.7)), Unseen('z', 0.3, ('b', 0.6)))), letter => Assert.Equal('?', letter.Plain));
        // One pair that is clearly there is a decoder.
        Assert.Single(LetterDecision.Decide(Alphabet(Unseen('z', 0.01, ('b', 0.98)))), letter => letter.Plain == 'b');
        // Of a few letters that are not the alphabet nothing is known of the rest.
        Assert.Equal('a', LetterDecision.Decide([Unseen('y', 0.2, ('a', 0.7)), Unseen('z', 0.99)])[0].Plain);
    }

    [Fact]
    public void An_unseen_letter_takes_no_plain_letter_away()
    {
        var decided = LetterDecision.Decide([Unseen('q', 0.9, ('a', 0.06)), Unseen('x', 0.01, ('a', 0.98)), Unseen('y', 0.9, ('a', 0.05))]);
        Assert.Equal([('q', '?'), ('x', 'a'), ('y', '?')], decided.Select(letter => (letter.Coded, letter.Plain)));
        Assert.Equal(Math.Log(0.9), decided[0].LogProbability, 1e-12);
    }

    [Fact]
    public void Letters_that_are_surely_unseen_are_not_in_doubt_however_many()
    {
        Assert.False(LetterDecision.IsInDoubt([Unseen('q', 0.998), Unseen('x', 0.998), Unseen('y', 0.0001, ('a', 0.999))]));
        Assert.True(LetterDecision.IsInDoubt([Unseen('q', 0.9)]));
        Assert.True(LetterDecision.IsNothingSeen([Unseen('q', 0.9), Unseen('x', 0.8)]));
        Assert.False(LetterDecision.IsNothingSeen([Unseen('q', 0.9), Unseen('x', 0.2, ('a', 0.7))]));
    }

    [Fact]
    public void Of_two_letters_that_want_one_plain_letter_the_weaker_is_unseen_rather_than_something_it_does_not_look_like()
    {
        LetterBelief[] beliefs = [.. Enumerable.Range('a', 26).Select(coded => (char)coded switch
        {
            'q' => Unseen('q', 0.001, ('a', 0.99)),
            'x' => Unseen('x', 0.2, ('a', 0.79)),
            var other => Unseen(other, 0.0001, ((char)(other == 'a' ? 'q' : other), 0.999)),
        })];
        var decided = LetterDecision.Decide(beliefs).ToDictionary(letter => letter.Coded);
        Assert.Equal(('a', '?'), (decided['q'].Plain, decided['x'].Plain));
        Assert.All(decided.Values, letter => Assert.InRange(letter.LogProbability, double.NegativeInfinity, 0));
    }

    [Fact]
    public void Whatever_is_believed_no_plain_letter_is_decided_twice_and_as_many_as_like_may_be_unseen()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var rng = SeededRandom.From(4, seed);
            var unseen = rng.NextDouble();
            LetterBelief[] beliefs = [.. Enumerable.Range('a', rng.Between(1, 26)).Select(coded => rng.Chance(unseen)
                ? Unseen((char)coded, rng.Uniform(0.9f, 0.999f))
                : Unseen((char)coded, rng.Uniform(0, 0.05f), ((char)rng.Between('a', 'z'), rng.Uniform(0.3f, 0.9f))))];
            var decided = LetterDecision.Decide(beliefs);
            var letters = decided.Where(letter => letter.Plain != '?').Select(letter => letter.Plain).ToList();
            Assert.Equal(letters.Count, letters.Distinct().Count());
            Assert.True(decided.Count(letter => letter.Plain == '?') >= beliefs.Count(belief => belief.Likeliest == '?' && belief.Unseen > Math.Log(0.9)));
        }
    }

    private static LetterBelief Unseen(char coded, double unseen, params (char Plain, double Probability)[] known)
    {
        var rest = (1 - unseen - known.Sum(item => item.Probability)) / (26 - known.Length);
        double[] logs = [.. Enumerable.Range('a', 26)
            .Select(letter => Math.Log(known.Where(item => item.Plain == letter).Select(item => item.Probability).DefaultIfEmpty(rest).First()))];
        return new LetterBelief(coded, logs, Math.Log(unseen));
    }

    private static LetterBelief Belief(char coded, params (char Plain, double Probability)[] known)
    {
        var rest = (1 - known.Sum(item => item.Probability)) / (26 - known.Length);
        double[] logs = [.. Enumerable.Range('a', 26).Select(
            letter => Math.Log(known.Where(item => item.Plain == letter).Select(item => item.Probability).DefaultIfEmpty(rest).First()))];
        return new LetterBelief(coded, logs);
    }
}
