using Vlm.Puzzles;

namespace Vlm.Core.Tests.Puzzles;

public sealed class SeverityRangeTests
{
    [Theory]
    [InlineData("2", 2, 2)]
    [InlineData("0-5", 0, 5)]
    [InlineData("1-3", 1, 3)]
    public void A_severity_is_a_number_or_a_range(string text, int low, int high)
    {
        Assert.True(SeverityRange.TryParse(text, out var range));
        Assert.Equal(new SeverityRange(low, high), range);
        Assert.Equal(text, range.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("3-1")]
    [InlineData("6")]
    [InlineData("0-6")]
    [InlineData("-1")]
    [InlineData("1-2-3")]
    [InlineData("hard")]
    public void Other_severities_are_refused(string text) => Assert.False(SeverityRange.TryParse(text, out _));
}
