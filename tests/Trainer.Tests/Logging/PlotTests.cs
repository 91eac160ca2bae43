using FsCheck;
using FsCheck.Fluent;
using Vlm.Drawing;
using Vlm.Trainer.Logging;
using Vlm.Vision;

namespace Vlm.Trainer.Tests.Logging;

public sealed class PlotTests
{
    [Fact]
    public void Linear_ticks_are_round_numbers_that_enclose_the_values()
    {
        Assert.Equal([0, 0.2, 0.4, 0.6, 0.8, 1], AxisTicks.Linear(0.03, 0.97).Values, (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([0, 5000, 10000, 15000, 20000], AxisTicks.Linear(1, 20000).Values);
    }

    [Fact]
    public void Any_range_gets_a_few_ascending_ticks_and_holds_its_values() =>
        Prop.ForAll<NormalFloat, NormalFloat>((one, other) =>
        {
            var (least, most) = (Math.Min(one.Get, other.Get), Math.Max(one.Get, other.Get));
            if (Math.Abs(most) > 1e100 || Math.Abs(least) > 1e100 || (most != least && most - least < 1e-9 * Math.Max(Math.Abs(least), Math.Abs(most))))
                return true;
            var ticks = AxisTicks.Linear(least, most);
            return ticks.Values.Count is >= 2 and <= 9 && ticks.Values.SequenceEqual(ticks.Values.Order())
                && ticks.Position(least) is > -1e-6 and < 1 && ticks.Position(most) is > 0 and < 1 + 1e-6;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(0.3, 0.7, new[] { 0.1, 0.2, 0.5, 1 })]
    [InlineData(0.002, 3, new[] { 0.001, 0.01, 0.1, 1, 10 })]
    [InlineData(1, 1, new[] { 1.0, 2, 5, 10 })]
    public void Logarithmic_ticks_are_powers_of_ten_with_steps_between_them_when_they_are_few(double least, double most, double[] expected)
    {
        var ticks = AxisTicks.Logarithmic(least, most);

        Assert.Equal(expected, ticks.Values, (a, b) => Math.Abs(a / b - 1) < 1e-12);
        Assert.InRange(ticks.Position(least), 0, 1);
        Assert.InRange(ticks.Position(most), 0, 1);
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.25, "0.25")]
    [InlineData(1500, "1500")]
    [InlineData(20000, "20k")]
    [InlineData(2500000, "2.5M")]
    [InlineData(-0.00001, "-1E-5")]
    public void Labels_are_short(double value, string expected) => Assert.Equal(expected, AxisTicks.Label(value));

    [Fact]
    public void Smoothing_starts_at_the_first_value_and_keeps_a_constant()
    {
        Assert.Equal([4, 4, 4], Plot.Smooth([4, 4, 4], 0.9), (a, b) => Math.Abs(a - b) < 1e-12);
        // By hand: (0.5 * 0.5 * 2 + 0.5 * 8) / 0.75.
        Assert.Equal([2, 6], Plot.Smooth([2, 8], 0.5), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void A_line_is_drawn_where_its_values_are_and_gaps_are_left_out()
    {
        PlotSeries flat = new("flat", [(0, 1), (50, double.NaN), (100, 1)]);
        PlotSeries rising = new("rising", [(0, 0), (100, 2)]);

        var picture = Plot.Draw([flat, rising], new PlotStyle("Two lines"), Fonts.Reference);

        // The axis runs from 0 to 2 between rows 50 and 485: 1 is in the middle, and the first colour is a blue.
        int y = 50 + (540 - 105) / 2, x = 80 + (960 - 110) / 4;
        Assert.True(IsBlue(picture, x, y) || IsBlue(picture, x, y + 1), "The flat line is not in the middle.");
        Assert.False(IsBlue(picture, x, y + 20), "Something blue where no value is.");
    }

    [Fact]
    public void Series_without_a_value_are_an_error_that_names_them()
    {
        var error = Assert.Throws<ArgumentException>(() => Plot.Draw([new PlotSeries("loss", [(1, double.NaN)])], new PlotStyle("Loss"), Fonts.Reference));
        Assert.Contains("loss", error.Message);
    }

    private static bool IsBlue(RgbImage image, int x, int y)
    {
        var pixel = image.Pixels.AsSpan((y * image.Width + x) * 3, 3);
        return pixel[0] < 60 && pixel[2] > 120;
    }
}
