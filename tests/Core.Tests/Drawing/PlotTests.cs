using FsCheck;
using FsCheck.Fluent;
using Vlm.Drawing;

namespace Vlm.Core.Tests.Drawing;

public sealed class PlotTests
{
    [Fact]
    public void Linear_ticks_are_round_numbers_that_enclose_the_values()
    {
        Assert.Equal([0, 0.2, 0.4, 0.6, 0.8, 1], PlotAxis.Linear("", 0.03, 0.97).Ticks, (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([0, 5000, 10000, 15000, 20000], PlotAxis.Linear("", 1, 20000).Ticks);
    }

    [Fact]
    public void Any_range_gets_a_few_ascending_ticks_and_holds_its_values() =>
        Prop.ForAll<NormalFloat, NormalFloat>((one, other) =>
        {
            var (least, most) = (Math.Min(one.Get, other.Get), Math.Max(one.Get, other.Get));
            if (Math.Abs(most) > 1e100 || Math.Abs(least) > 1e100 || (most != least && most - least < 1e-6 * Math.Max(Math.Abs(least), Math.Abs(most))))
                return true;
            var axis = PlotAxis.Linear("", least, most);
            var slack = 1e-6 * (axis.High - axis.Low);
            return axis.Ticks.Count is >= 2 and <= 9 && axis.Ticks.SequenceEqual(axis.Ticks.Order()) && axis.Low <= least + slack && axis.High >= most - slack;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(0.3, 0.7, new[] { 0.1, 0.2, 0.5, 1 })]
    [InlineData(0.002, 3, new[] { 0.001, 0.01, 0.1, 1, 10 })]
    [InlineData(1, 1, new[] { 1.0, 2, 5, 10 })]
    public void Logarithmic_ticks_are_powers_of_ten_with_steps_between_them_when_they_are_few(double least, double most, double[] expected)
    {
        var axis = PlotAxis.Logarithmic("", least, most);

        Assert.Equal(expected, axis.Ticks, (a, b) => Math.Abs(a / b - 1) < 1e-12);
        Assert.InRange(axis.Position(least), 0, 1);
        Assert.InRange(axis.Position(most), 0, 1);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.2, 0.9)]
    [InlineData(0.9971, 0.9993)]
    [InlineData(0, 0.0123)]
    public void An_axis_of_shares_holds_its_values_has_length_and_tells_its_ticks_apart(double least, double most)
    {
        var axis = PlotAxis.Shares("", [least, most], fromZero: false);

        Assert.True(axis.Low <= least + 1e-12 && axis.High >= most - 1e-12 && axis.High > axis.Low);
        var texts = axis.Ticks.Select(axis.Text).ToList();
        Assert.Equal(texts.Distinct(), texts);
        Assert.All(texts, text => Assert.EndsWith(" %", text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.25, "0.25")]
    [InlineData(1500, "1500")]
    [InlineData(20000, "20k")]
    [InlineData(2500000, "2.5M")]
    [InlineData(-0.00001, "-1E-5")]
    public void Values_are_written_in_few_letters(double value, string expected) => Assert.Equal(expected, PlotAxis.Linear("", 0, 1).Text(value));

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(9)]
    public void No_text_is_cut_off_and_no_curve_runs_through_the_legend(int series)
    {
        var plot = new Plot(
            "Many", PlotAxis.Linear("step", 0, 123456), PlotAxis.Shares("system right", [0.99971, 0.99993], fromZero: false),
            [.. Enumerable.Range(0, series).Select(i => new PlotSeries($"grpo/sampler_difference_{i}", Plot.Blue, [(0, 0.99971), (123456, 0.99993)]))]);
        var pen = new Recorder();

        plot.Draw(pen);

        Assert.All(pen.Texts,
            box => Assert.True(box.Left >= 0 && box.Top >= 0 && box.Left + box.Width <= Plot.Width && box.Top + box.Height <= plot.Height, $"{box}"));
        Assert.Equal(2 * series, pen.Curves.Count);
        Assert.True(pen.Curves.Take(series).SelectMany(curve => curve).Max(point => point.Y)
            < pen.Curves.Skip(series).SelectMany(swatch => swatch).Min(point => point.Y));
        Assert.All(pen.Texts.SelectMany((one, i) => pen.Texts.Skip(i + 1).Select(other => (one, other))),
            pair => Assert.False(Overlap(pair.one, pair.other), $"{pair}"));
    }

    [Fact]
    public void A_curve_is_drawn_where_its_values_are()
    {
        var plot = new Plot("", PlotAxis.Linear("", 0, 100), PlotAxis.Linear("", 0, 2), [new PlotSeries("flat", Plot.Blue, [(0, 1), (100, 1)])]);
        var picture = PngPen.Draw(plot, Fonts.Reference);
        var pen = new Recorder();
        plot.Draw(pen);
        var (x, y) = (picture.Width / 2, picture.Height - (int)(2 * (plot.Height - pen.Curves[0][0].Y)));
        Assert.True(IsBlue(x, y), "The flat line is not where the plot says.");
        Assert.False(IsBlue(x, y + 20), "Something blue where no value is.");

        bool IsBlue(int column, int row)
        {
            var pixel = picture.Pixels.AsSpan((row * picture.Width + column) * 3, 3);
            return pixel[0] < 60 && pixel[2] > 120;
        }
    }

    private static bool Overlap(Box one, Box other) =>
        one.Left < other.Left + other.Width && other.Left < one.Left + one.Width && one.Top < other.Top + other.Height && other.Top < one.Top + one.Height;

    /// <summary>Keeps what is drawn, texts as the boxes that they take in a real font.</summary>
    private sealed class Recorder : IPlotPen
    {
        public List<IReadOnlyList<(double X, double Y)>> Curves { get; } = [];

        public List<Box> Texts { get; } = [];

        public void Grid((double X, double Y) from, (double X, double Y) to)
        {
        }

        public void Curve(IReadOnlyList<(double X, double Y)> points, Colour colour, bool isDashed) => Curves.Add(points);

        public void Dot((double X, double Y) at, Colour colour)
        {
        }

        public void Text(string text, (double X, double Y) at, Anchor anchor)
        {
            var box = Canvas.Measure(text, Fonts.For("0123456789.,-_/() %"), 12);
            var left = anchor switch { Anchor.Start => at.X, Anchor.Middle => at.X - box.Width / 2, _ => at.X - box.Width };
            Texts.Add(new Box((float)left, (float)at.Y + box.Top, box.Width, box.Height));
        }
    }
}
