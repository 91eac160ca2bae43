using Microsoft.Extensions.Time.Testing;
using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Tests.Runs;

public sealed class TrainingProgressTests
{
    [Fact]
    public void Without_a_terminal_there_is_one_line_per_n_steps_and_one_for_the_last()
    {
        var clock = new FakeTimeProvider();
        var output = new StringWriter { NewLine = "\n" };
        var progress = TrainingProgress.Plain("edge", totalSteps: 25, linesEvery: 10, output, clock);
        for (int step = 1; step <= 25; step++)
        {
            clock.Advance(TimeSpan.FromSeconds(0.5));
            progress.Report(new TrainingStep(step, Loss: 1.5, ExactMatch: step < 20 ? null : 0.9876, Examples: 8));
        }

        Assert.Equal(
            """
            edge: step 10/25, loss 1.5, exact -, 16.0 examples/s, ETA 0:00:08
            edge: step 20/25, loss 1.5, exact 98.8 %, 16.0 examples/s, ETA 0:00:02
            edge: step 25/25, loss 1.5, exact 98.8 %, 16.0 examples/s, ETA 0:00:00

            """,
            output.ToString());
    }

    [Fact]
    public void The_time_left_of_a_resumed_run_comes_from_its_own_speed_and_follows_it()
    {
        var clock = new FakeTimeProvider();
        var output = new StringWriter();
        var progress = TrainingProgress.Plain("edge", totalSteps: 100_000, linesEvery: 100, output, clock);
        for (int step = 90_001; step <= 90_100; step++)
        {
            clock.Advance(TimeSpan.FromSeconds(step <= 90_050 ? 60 : 1));
            progress.Report(new TrainingStep(step, 1, null, 2));
        }

        Assert.Contains("2.0 examples/s, ETA 2:45:00", output.ToString());
    }

    [Fact]
    public void A_note_is_a_line_of_its_own()
    {
        var output = new StringWriter { NewLine = "\n" };

        TrainingProgress.Plain("edge", 10, 10, output, new FakeTimeProvider()).Note("1 word: 99.0 % [of 100]");

        Assert.Equal("1 word: 99.0 % [of 100]\n", output.ToString());
    }
}
