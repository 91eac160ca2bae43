using Vlm.Solving;

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
            [Belief('a', ('n', 0.55), ('m', 0.44)), .. Enumerable.Range('b', 25).Select(letter => Belief((char)letter, (letter == 'n' ? 'a' : letter == 'm' ? 'n' : (char)letter, 0.9999)))];
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

    private static LetterBelief Belief(char coded, params (char Plain, double Probability)[] known)
    {
        var rest = (1 - known.Sum(item => item.Probability)) / (26 - known.Length);
        double[] logs = [.. Enumerable.Range('a', 26).Select(letter => Math.Log(known.Where(item => item.Plain == letter).Select(item => item.Probability).DefaultIfEmpty(rest).First()))];
        return new LetterBelief(coded, logs);
    }
}
