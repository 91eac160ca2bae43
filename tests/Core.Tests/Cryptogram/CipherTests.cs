using FsCheck;
using FsCheck.Fluent;
using Vlm.Cryptogram;
using Vlm.Statistics;

namespace Vlm.Core.Tests.Cryptogram;

public sealed class CipherTests
{
    private const string Shifted = "bcdefghijklmnopqrstuvwxyza";

    [Fact]
    public void Decoding_undoes_encoding_for_every_alphabet() =>
        Prop.ForAll<int>(seed =>
        {
            var cipher = Cipher.Random(SeededRandom.From(seed));
            return "abcdefghijklmnopqrstuvwxyz".All(letter => cipher.Decode(cipher.Encode(letter)) == letter);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_message_is_coded_letter_by_letter_with_an_underscore_between_words()
    {
        var cipher = new Cipher(Shifted);

        Assert.Equal("d b u _ e p h", cipher.EncodeSpaced("cat dog"));
    }

    [Fact]
    public void Every_alphabet_is_drawn_equally_often()
    {
        var rng = new SeededRandom(7);
        var counts = new int[26];
        for (var i = 0; i < 26_000; i++) counts[Cipher.Random(rng).Encode('a') - 'a']++;

        // 1,000 expected each; five standard deviations are 155. Letters that stand for themselves are allowed.
        Assert.All(counts, count => Assert.InRange(count, 845, 1155));
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("aacdefghijklmnopqrstuvwxyz")]
    [InlineData("ABCDEFGHIJKLMNOPQRSTUVWXYZ")]
    public void An_alphabet_that_is_not_a_permutation_is_refused(string coded) =>
        Assert.Throws<ArgumentException>(() => new Cipher(coded));

    [Theory]
    [InlineData('A')]
    [InlineData('_')]
    [InlineData('é')]
    public void Only_lower_case_letters_are_coded(char letter)
    {
        Assert.Throws<ArgumentException>(() => new Cipher(Shifted).Encode(letter));
        Assert.Throws<ArgumentException>(() => new Cipher(Shifted).Decode(letter));
    }

    [Fact]
    public void Spacing_is_undone_by_its_inverse()
    {
        Assert.Equal("c a t _ d o g", Message.Spaced("cat dog"));
        Assert.Equal("cat dog", Message.FromSpaced("c a t _ d o g"));
        Assert.Equal("", Message.Spaced(""));
    }

    [Fact]
    public void A_taught_reply_names_each_symbol_then_the_letters_then_the_answer() =>
        Assert.Equal(
            " d→ c\n b→ a\n u→ t\n _→ _\n e→ d\n p→ o\n h→ g\n<chars> c a t _ d o g</chars>\n</think>\n<answer>cat dog</answer>",
            ReplyText.MappingLines("d b u _ e p h", "c a t _ d o g") + ReplyText.Ending("cat dog"));
}
