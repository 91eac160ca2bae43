using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Tests.Runs;

public sealed class StepChartTests
{
    [Fact]
    public void Smoothing_starts_at_the_first_value_and_keeps_a_constant()
    {
        Assert.Equal([4, 4, 4], StepChart.Smooth([4, 4, 4], 0.9), (a, b) => Math.Abs(a - b) < 1e-12);
        // By hand: (0.5 * 0.5 * 2 + 0.5 * 8) / 0.75.
        Assert.Equal([2, 6], StepChart.Smooth([2, 8], 0.5), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void Values_that_have_no_place_are_left_out_and_a_mean_lies_over_its_faint_values()
    {
        StepSeries[] series = [new("loss", [(0, 2), (50, double.NaN), (100, 8)]), new("never", [])];

        var chart = StepChart.From(series, new PlotStyle("Loss", Smoothing: 0.5))!;

        Assert.Equal([null, "loss"], chart.Series.Select(line => line.Name));
        Assert.Equal([(0, 2), (100, 8)], chart.Series[0].Points);
        Assert.Equal([(0, 2), (100, 6)], chart.Series[1].Points);
        Assert.True(chart.Series[0].Colour.A < chart.Series[1].Colour.A);
    }

    [Fact]
    public void Without_a_value_there_is_no_chart()
    {
        Assert.Null(StepChart.From([new StepSeries("loss", [(1, double.NaN)])], new PlotStyle("Loss")));
        Assert.Null(StepChart.From([new StepSeries("zero", [(1, 0)])], new PlotStyle("Loss", IsLog: true)));
    }
}
