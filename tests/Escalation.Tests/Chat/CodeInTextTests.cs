using FsCheck;
using FsCheck.Fluent;
using Vlm.Escalation.Chat;
using Vlm.Escalation.Errors;

namespace Vlm.Escalation.Tests.Chat;

public sealed class CodeInTextTests
{
    [Theory]
    [InlineData("q x _ a y f", "q x _ a y f")]
    [InlineData("Decode the message: q x _ a y f", "q x _ a y f")]
    [InlineData("For example, if \"r u n _ o f g\" decodes to \"sun hat\".\nThe coded message is: Q X", "q x")]
    [InlineData("Decode 'q x _ y'.", "q x _ y")]
    [InlineData("Decode q x y with a picture", "q x y")]
    [InlineData("The code of this line is: a", "a")]
    [InlineData("q  x\n\t_ a", "q x _ a")]
    public void The_last_run_of_single_letters_is_the_code(string text, string code) => Assert.Equal(code, CodeInText.Find(text));

    [Theory]
    [InlineData("")]
    [InlineData("What is in this picture?")]
    [InlineData("Is a picture worth it")]
    [InlineData("q x _")]
    [InlineData("q x _ _ y")]
    public void A_text_without_a_usable_code_is_refused(string text)
    {
        var e = Assert.Throws<ApiException>(() => CodeInText.Find(text));
        Assert.Equal((ErrorReason.InvalidRequest, "messages"), (e.Reason, e.Parameter));
    }

    [Fact]
    public void A_code_longer_than_the_model_takes_is_refused() =>
        Assert.Contains("97 symbols", Assert.Throws<ApiException>(() => CodeInText.Find(string.Join(' ', Enumerable.Repeat("q", 97)))).Message, StringComparison.Ordinal);

    [Fact]
    public void Any_code_is_found_after_any_sentence() =>
        Prop.ForAll(Gen.Choose('a', 'z').Select(letter => ((char)letter).ToString()).NonEmptyListOf().Where(code => code.Count is > 1 and <= 96).ToArbitrary(), code =>
            CodeInText.Find("Please decode a message: " + string.Join(' ', code)) == string.Join(' ', code)).QuickCheckThrowOnFailure();
}
