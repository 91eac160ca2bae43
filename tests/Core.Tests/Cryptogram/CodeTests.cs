using FsCheck;
using FsCheck.Fluent;
using Vlm.Cryptogram;

namespace Vlm.Core.Tests.Cryptogram;

public sealed class CodeTests
{
    [Theory]
    [InlineData("q x _ a y f", "q x _ a y f")]
    [InlineData("  q x\t_ a \n y f ", "q x _ a y f")]
    [InlineData("Q X _ A y F", "q x _ a y f")]
    [InlineData("z", "z")]
    public void White_space_and_case_do_not_matter(string text, string code) => Assert.Equal(code, Code.Parse(text));

    [Theory]
    [InlineData(null, CodeProblem.Empty)]
    [InlineData("", CodeProblem.Empty)]
    [InlineData(" \t ", CodeProblem.Empty)]
    [InlineData("qx_ayf", CodeProblem.Unspaced)]
    [InlineData("q x ayf", CodeProblem.Unspaced)]
    [InlineData("q 4 f", CodeProblem.NotALetter)]
    [InlineData("q x.", CodeProblem.NotALetter)]
    [InlineData("q é", CodeProblem.NotALetter)]
    [InlineData("<|im_end|>", CodeProblem.NotALetter)]
    [InlineData("q \u0000 f", CodeProblem.NotALetter)]
    [InlineData("_", CodeProblem.EmptyWord)]
    [InlineData("_ q", CodeProblem.EmptyWord)]
    [InlineData("q _", CodeProblem.EmptyWord)]
    [InlineData("q _ _ f", CodeProblem.EmptyWord)]
    public void Each_mistake_has_its_reason_and_a_message(string? text, CodeProblem problem)
    {
        var error = Assert.Throws<CodeException>(() => Code.Parse(text));

        Assert.Equal(problem, error.Problem);
        Assert.Contains("expected", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_code_that_is_too_long_is_refused()
    {
        var longest = string.Join(' ', Enumerable.Repeat('q', Code.MaxSymbols));

        Assert.Equal(longest, Code.Parse(longest));
        Assert.Equal(CodeProblem.TooLong, Assert.Throws<CodeException>(() => Code.Parse(longest + " q")).Problem);
    }

    [Fact]
    public void Any_text_gives_a_normal_code_or_the_one_exception() =>
        Prop.ForAll(Gen.Elements('q', 'X', '_', ' ', ' ', '\t', '4', '\0', '\ud800').ArrayOf().Select(letters => new string(letters)).ToArbitrary(), text =>
        {
            try
            {
                var code = Code.Parse(text);
                return code == Code.Parse(code) && code.Split(' ').All(symbol => symbol.Length == 1);
            }
            catch (CodeException error)
            {
                return !error.Message.Contains('\0', StringComparison.Ordinal);
            }
        }).QuickCheckThrowOnFailure();
}
