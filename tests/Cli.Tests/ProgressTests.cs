using Microsoft.Extensions.Time.Testing;

namespace Vlm.CommandLine.Tests;

public sealed class ProgressTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new();
    private readonly StringWriter _output = new() { NewLine = "\n" };

    [Fact]
    public void Without_a_terminal_there_is_a_line_every_now_and_then_and_one_at_the_end()
    {
        var progress = Progress.InLines(new ProgressPlan("edge", 25, "steps") { SpeedUnit = "examples", LineEvery = TimeSpan.FromSeconds(5) }, _output, _clock);
        for (var step = 1; step <= 25; step++)
        {
            _clock.Advance(TimeSpan.FromSeconds(0.5));
            progress.Add(1, $"loss {step}", amount: 8);
        }

        Assert.Equal(
            """
            edge: 10/25 steps, 16.0 examples/s, 0:00:08 left, loss 10
            edge: 20/25 steps, 16.0 examples/s, 0:00:02 left, loss 20
            edge: 25/25 steps, 16.0 examples/s, 0:00:00 left, loss 25

            """,
            _output.ToString());
    }

    [Fact]
    public void The_time_left_of_a_resumed_run_comes_from_its_own_speed_and_follows_it()
    {
        var progress = Progress.InLines(new ProgressPlan("edge", 100_000, "steps") { Known = 90_000, LineEvery = TimeSpan.Zero }, _output, _clock);
        for (var step = 90_001; step <= 90_100; step++)
        {
            _clock.Advance(TimeSpan.FromSeconds(step <= 90_050 ? 60 : 1));
            progress.Add(1);
        }

        var lines = _output.ToString().TrimEnd().Split('\n');
        Assert.Equal("edge: 90001/100000 steps, 0.0 steps/s, 166:39:00 left", lines[0]);
        Assert.Equal("edge: 90100/100000 steps, 1.0 steps/s, 2:45:00 left", lines[^1]);
    }

    [Fact]
    public void Where_no_time_has_passed_nothing_is_said_about_speed()
    {
        Progress.InLines(new ProgressPlan("solving", 1, "pictures"), _output, _clock).Add(1);
        Assert.Equal("solving: 1/1 pictures, - pictures/s, - left\n", _output.ToString());
    }

    [Fact]
    public void A_note_is_a_line_of_its_own()
    {
        Progress.InLines(new ProgressPlan("edge", 10, "steps"), _output, _clock).Note("1 word: 99.0 % [of 100]");
        Assert.Equal("1 word: 99.0 % [of 100]\n", _output.ToString());
    }

    public void Dispose() => _output.Dispose();
}
