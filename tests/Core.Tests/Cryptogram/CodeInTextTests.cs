using FsCheck;
using FsCheck.Fluent;
using Vlm.Cryptogram;

namespace Vlm.Core.Tests.Cryptogram;

public sealed class CodeInTextTests
{
    [Theory]
    [InlineData("q x _ a y f", "q x _ a y f")]
    [InlineData("Decode the message: q x _ a y f", "q x _ a y f")]
    [InlineData("Decode this: \"q x _ a y f\".", "q x _ a y f")]
    [InlineData("For example, if \"r u n _ o f g\" decodes to \"sun hat\".\nThe coded message is: Q X", "Q X")]
    [InlineData("Decode 'q x _ y'.", "q x _ y")]
    [InlineData("Decode q x y with a picture", "q x y")]
    [InlineData("A picture of a sheet. The message is: q", "q")]
    [InlineData("I see a sheet; a b c is old, decode d e f please", "d e f")]
    [InlineData("decode `Q X`", "Q X")]
    [InlineData("q  x\n\t_ a", "q x _ a")]
    [InlineData("q x _", "q x _")]
    [InlineData("I have a picture of cats", null)]
    [InlineData("Is a picture worth it", null)]
    [InlineData("", null)]
    public void The_code_is_the_last_run_of_single_letters(string text, string? code) => Assert.Equal(code, CodeInText.Find(text));

    [Fact]
    public void Any_code_is_found_after_any_sentence() =>
        Prop.ForAll(Gen.Choose('a', 'z').Select(letter => ((char)letter).ToString()).NonEmptyListOf().Where(code => code.Count > 1).ToArbitrary(), code =>
            CodeInText.Find("Please decode a message: " + string.Join(' ', code)) == string.Join(' ', code)).QuickCheckThrowOnFailure();
}
