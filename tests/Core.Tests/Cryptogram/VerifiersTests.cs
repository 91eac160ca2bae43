using Vlm.Cryptogram;
using Vlm.Statistics;

namespace Vlm.Core.Tests.Cryptogram;

public sealed class VerifiersTests
{
    private const string Code = "q x a _ x q";

    [Fact]
    public void A_right_reply_passes_everything_in_any_case()
    {
        var report = Verifiers.Check(Reply(Code, "cat ac"), Code);
        Assert.Equal([Verifier.Dictionary], report.Failures);
        Assert.Empty(report.HardFailures);
        Assert.Equal(0.5, report.KnownWords);
        Assert.Empty(Verifiers.Check(ReplyParser.Parse(Text(Code, "cat ac").ToUpperInvariant().Replace("CHARS", "chars", StringComparison.Ordinal)
            .Replace("THINK", "think", StringComparison.Ordinal).Replace("ANSWER", "answer", StringComparison.Ordinal)), Code).HardFailures);
    }

    [Theory]
    [InlineData("cat a", Verifier.Alignment)]
    [InlineData("ca tac", Verifier.Alignment)]
    [InlineData("catsac", Verifier.Alignment)]
    [InlineData("cat dc", Verifier.Function)]
    [InlineData("caa ac", Verifier.Injectivity)]
    [InlineData("c4t 4c", Verifier.Alphabet)]
    [InlineData("c-t -c", Verifier.Alphabet)]
    public void An_answer_that_no_cipher_gives_fails_hard(string answer, Verifier expected)
    {
        var report = Verifiers.Check(new ReplyResult.Reply([], "x", answer), Code);
        Assert.Contains(expected, report.HardFailures);
        Assert.All(report.HardFailures, failure => Assert.True(Verifiers.IsHard(failure)));
    }

    [Fact]
    public void Any_number_of_letters_may_be_unseen()
    {
        Assert.Equal([Verifier.Dictionary],
            Verifiers.Check(Reply(Code, "?a? a?"), "q x a _ x a").Failures.Where(failure => failure != Verifier.MappingMatchesChars));
        Assert.Empty(Verifiers.Check(Reply(Code, "??t ??"), Code).HardFailures);
        Assert.Equal([Verifier.Function], Verifiers.Check(Reply(Code, "??t ?c"), Code).HardFailures);
    }

    [Fact]
    public void An_unreadable_reply_fails_its_format_alone()
    {
        var report = Verifiers.Check(ReplyParser.Parse("cat"), Code);
        Assert.Equal([Verifier.Format], report.HardFailures);
        Assert.False(report.Passed(Verifier.Alignment));
    }

    [Fact]
    public void Letters_that_differ_from_the_answer_or_the_lines_are_evidence_and_no_verdict()
    {
        var chars = Verifiers.Check(new ReplyResult.Reply(Lines(Code, "cat ac"), "c a d _ a c", "cat ac"), Code);
        Assert.Equal([Verifier.CharsMatchAnswer, Verifier.MappingMatchesChars, Verifier.Dictionary], chars.Failures);
        Assert.Empty(chars.HardFailures);
        var lines = Verifiers.Check(new ReplyResult.Reply(Lines("q x b _ x q", "cat ac"), "c a t _ a c", "cat ac"), Code);
        Assert.Equal([Verifier.MappingMatchesChars, Verifier.Dictionary], lines.Failures);
    }

    [Fact]
    public void No_drawn_puzzles_right_reply_ever_fails_hard()
    {
        var rng = SeededRandom.From(3);
        for (var i = 0; i < 500; i++)
        {
            var answer = string.Join(' ', Enumerable.Range(0, rng.Between(1, 3)).Select(_ => WordList.Train[rng.Next(WordList.Train.Count)]));
            var code = Cipher.Random(rng).EncodeSpaced(answer);
            Assert.Empty(Verifiers.Check(Reply(code, answer), code).Failures);
        }
    }

    private static ReplyResult Reply(string code, string answer) => ReplyParser.Parse(Text(code, answer));

    private static string Text(string code, string answer) => ReplyText.MappingLines(code, Message.Spaced(answer)) + ReplyText.Ending(answer);

    private static List<MappingLine> Lines(string code, string answer) =>
        [.. Message.FromSpaced(code).Zip(answer, (coded, plain) => new MappingLine(coded == ' ' ? '_' : coded, plain == ' ' ? '_' : plain))];
}
