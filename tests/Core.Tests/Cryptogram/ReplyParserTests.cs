using FsCheck;
using FsCheck.Fluent;
using Vlm.Cryptogram;

namespace Vlm.Core.Tests.Cryptogram;

public sealed class ReplyParserTests
{
    private const string Good = " q→ c\n x→ a\n p→ t\n<chars> c a t</chars>\n</think>\n<answer>cat</answer>";

    [Fact]
    public void The_reply_that_small_models_are_taught_is_well_formed()
    {
        var reply = Assert.IsType<ReplyResult.Reply>(ReplyParser.Parse(Good));

        Assert.Equal([new('q', 'c'), new('x', 'a'), new('p', 't')], reply.Lines);
        Assert.Equal("c a t", reply.Chars);
        Assert.Equal("cat", reply.Answer);
    }

    [Fact]
    public void The_taught_reply_gives_back_its_message()
    {
        const string answer = "cat dog";
        var text = ReplyText.MappingLines("q x p _ a y f", Message.Spaced(answer)) + ReplyText.Ending(answer);

        var reply = Assert.IsType<ReplyResult.Reply>(ReplyParser.Parse(text));

        Assert.Equal(answer, reply.Answer);
        Assert.Equal(answer, Message.FromSpaced(reply.Chars));
        Assert.Equal("qxp_ayf", string.Concat(reply.Lines.Select(line => line.Coded)));
        Assert.Equal("cat_dog", string.Concat(reply.Lines.Select(line => line.Plain)));
    }

    [Fact]
    public void Free_thinking_and_other_arrows_are_accepted()
    {
        const string text = """
            I look up each letter:
            q → c
              x -> a
            P = T
            _ → _
            That gives q: cat?
            <chars> c a t </chars> and so
            </think>
            <answer> cat </answer>
            """;

        var reply = Assert.IsType<ReplyResult.Reply>(ReplyParser.Parse(text));

        Assert.Equal([new('q', 'c'), new('x', 'a'), new('P', 'T'), new('_', '_')], reply.Lines);
        Assert.Equal("c a t", reply.Chars);
        Assert.Equal("cat", reply.Answer);
    }

    [Theory]
    [InlineData(null, ReplyFailure.Empty)]
    [InlineData("", ReplyFailure.Empty)]
    [InlineData(" \n", ReplyFailure.Empty)]
    [InlineData("<think>" + Good, ReplyFailure.DuplicateTag)]
    [InlineData("<chars>c</chars><chars>c a t</chars>\n</think>\n<answer>cat</answer>", ReplyFailure.DuplicateTag)]
    [InlineData("<answer>dog</answer>" + Good, ReplyFailure.DuplicateTag)]
    [InlineData(Good + "<answer>dog</answer>", ReplyFailure.DuplicateTag)]
    [InlineData(Good + "</think>", ReplyFailure.DuplicateTag)]
    [InlineData("<chars> c a t</chars>\n</think>\n<answer>cat", ReplyFailure.MissingTag)]
    [InlineData(" q→ c\n", ReplyFailure.MissingTag)]
    [InlineData("\n</think>\n<answer>cat</answer>", ReplyFailure.MissingTag)]
    [InlineData("</think>\n<chars>c a t</chars>\n<answer>cat</answer>", ReplyFailure.TagOutOfOrder)]
    [InlineData("</chars>c a t<chars>\n</think>\n<answer>cat</answer>", ReplyFailure.TagOutOfOrder)]
    [InlineData("<answer>cat</answer><chars>c a t</chars>\n</think>\n", ReplyFailure.TagOutOfOrder)]
    [InlineData("<chars>c a t</chars></think><answer>cat</answer>", ReplyFailure.TextBetweenSections)]
    [InlineData("<chars>c a t</chars></think>\nso\n<answer>cat</answer>", ReplyFailure.TextBetweenSections)]
    [InlineData(Good + "\n", ReplyFailure.TextAfterAnswer)]
    [InlineData(Good + " or dog", ReplyFailure.TextAfterAnswer)]
    [InlineData("<chars> </chars>\n</think>\n<answer>cat</answer>", ReplyFailure.EmptyChars)]
    [InlineData("<chars>c a t</chars>\n</think>\n<answer></answer>", ReplyFailure.EmptyAnswer)]
    public void Each_broken_rule_has_its_reason(string? text, ReplyFailure reason)
    {
        var failure = Assert.IsType<ReplyResult.ParseFailure>(ReplyParser.Parse(text));

        Assert.Equal(reason, failure.Reason);
        Assert.NotEmpty(failure.Detail);
    }

    [Fact]
    public void Every_reason_is_reachable()
    {
        var tested = typeof(ReplyParserTests).GetMethod(nameof(Each_broken_rule_has_its_reason))!
            .GetCustomAttributesData().Where(data => data.AttributeType == typeof(InlineDataAttribute))
            .Select(data => (ReplyFailure)((IReadOnlyList<System.Reflection.CustomAttributeTypedArgument>)data.ConstructorArguments[0].Value!)[1].Value!);

        Assert.Equal(Enum.GetValues<ReplyFailure>(), tested.Distinct().Order());
    }

    [Fact]
    public void A_whole_reply_starts_with_its_own_thinking_tag()
    {
        Assert.IsType<ReplyResult.Reply>(ReplyParser.ParseWhole("<think>\n" + Good));
        Assert.Equal(ReplyFailure.MissingTag, Assert.IsType<ReplyResult.ParseFailure>(ReplyParser.ParseWhole(Good)).Reason);
        Assert.Equal(ReplyFailure.MissingTag, Assert.IsType<ReplyResult.ParseFailure>(ReplyParser.ParseWhole("so: <think>\n" + Good)).Reason);
        Assert.Equal(ReplyFailure.DuplicateTag, Assert.IsType<ReplyResult.ParseFailure>(ReplyParser.ParseWhole("<think><think>\n" + Good)).Reason);
        Assert.Equal(ReplyFailure.Empty, Assert.IsType<ReplyResult.ParseFailure>(ReplyParser.ParseWhole(null)).Reason);
    }

    [Fact]
    public void A_section_counts_only_if_it_is_there_once()
    {
        Assert.Equal("c a t", ReplyParser.Section(Good, ReplyText.Chars));
        Assert.Equal("cat", ReplyParser.Section("<answer> cat\n</answer>", ReplyText.Answer));
        Assert.Null(ReplyParser.Section("<answer>cat</answer><answer>dog</answer>", ReplyText.Answer));
        Assert.Null(ReplyParser.Section("</answer><answer>cat</answer>", ReplyText.Answer));
        Assert.Null(ReplyParser.Section("<answer>cat", ReplyText.Answer));
        Assert.Null(ReplyParser.Section("cat</answer>", ReplyText.Answer));
        Assert.Null(ReplyParser.Section(null, ReplyText.Answer));
    }

    [Fact]
    public void The_parser_never_throws_and_what_it_accepts_has_every_section_once()
    {
        string[] pieces =
            ["<think>", "</think>", "<chars>", "</chars>", "<answer>", "</answer>", "\n", " ", "cat", " c a t", " q→ c\n", "→", "<", "_", "\0", "\ud800", "é"];
        var texts = Gen.Elements(pieces).ArrayOf().Select(string.Concat).ToArbitrary();

        Prop.ForAll(texts, HoldsForAny).QuickCheckThrowOnFailure();
        Prop.ForAll<string>(HoldsForAny).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Any_change_of_a_tag_breaks_a_good_reply()
    {
        foreach (var tag in new[] { "<chars>", "</chars>", "</think>", "<answer>", "</answer>" })
        {
            Assert.IsType<ReplyResult.ParseFailure>(ReplyParser.Parse(Good.Replace(tag, "", StringComparison.Ordinal)));
            Assert.IsType<ReplyResult.ParseFailure>(ReplyParser.Parse(Good.Replace(tag, tag + tag, StringComparison.Ordinal)));
            Assert.IsType<ReplyResult.ParseFailure>(ReplyParser.Parse(Good.Replace(tag, tag.ToUpperInvariant(), StringComparison.Ordinal)));
        }
    }

    private static bool HoldsForAny(string? text)
    {
        _ = ReplyParser.ParseWhole(text);
        return ReplyParser.Parse(text) is not ReplyResult.Reply reply
            || (reply.Chars == ReplyParser.Section(text, ReplyText.Chars) && reply.Answer == ReplyParser.Section(text, ReplyText.Answer)
                && text!.EndsWith("</answer>", StringComparison.Ordinal));
    }
}
