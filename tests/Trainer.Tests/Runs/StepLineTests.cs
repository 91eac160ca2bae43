using Microsoft.Extensions.Time.Testing;
using Vlm.CommandLine;
using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Tests.Runs;

public sealed class StepLineTests
{
    [Fact]
    public void A_line_of_a_resumed_run_says_step_speed_time_left_loss_and_the_last_probe()
    {
        var clock = new FakeTimeProvider();
        var output = new StringWriter { NewLine = "\n" };
        var progress = Progress.InLines(StepLine.Plan("edge", steps: 25, done: 22, "pictures") with { LineEvery = TimeSpan.Zero }, output, clock);
        for (int step = 23; step <= 25; step++)
        {
            clock.Advance(TimeSpan.FromSeconds(0.5));
            progress.Add(1, StepLine.Detail("loss", 1.5, exact: step < 25 ? null : 0.9876), amount: 8);
        }

        Assert.Equal(
            """
            edge: 23/25 steps, 16.0 pictures/s, 0:00:01 left, loss 1.5, exact -
            edge: 24/25 steps, 16.0 pictures/s, 0:00:00 left, loss 1.5, exact -
            edge: 25/25 steps, 16.0 pictures/s, 0:00:00 left, loss 1.5, exact 98.8 %

            """,
            output.ToString());
    }
}
