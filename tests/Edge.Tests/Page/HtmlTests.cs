using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Vlm.Edge.Page;

namespace Vlm.Edge.Tests.Page;

public sealed class HtmlTests
{
    private static readonly string[] Pieces =
        ["<", ">", "&", "\"", "'", "</td>", "<script>", "&lt;", "cat", "\0", "\n", "\u202E", "\u0085", "é", "😀", "\uD83D", "--", "]]>"];

    [Fact]
    public void What_is_put_into_a_piece_is_escaped_and_a_piece_is_not()
    {
        var (inside, outside) = ("<b>\"x\" & 'y'</b>", Html.Of($"<i>{1}</i>"));
        Assert.Equal("<p>&lt;b&gt;&quot;x&quot; &amp; &#39;y&#39;&lt;/b&gt;<i>1</i></p>", Html.Of($"<p>{inside}{outside}</p>").Text);
    }

    [Fact]
    public void No_text_becomes_markup_and_a_browser_shows_what_it_says() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2000),
        Prop.ForAll(Gen.Elements(Pieces).ListOf().Select(string.Concat).ToArbitrary(), text =>
        {
            var escaped = Html.Escape(text);
            Assert.DoesNotContain(escaped, letter => letter is '<' or '>' or '"' or '\'' or < ' ' or '\u202E');
            Assert.Equal(string.Concat(text.EnumerateRunes().Select(rune => Shown(rune.ToString()))), WebUtility.HtmlDecode(escaped));
        }));

    private static string Shown(string rune) => rune switch
    {
        "\n" => " ",
        "\0" or "\u202E" or "\u0085" => "\uFFFD",
        _ => rune,
    };
}
