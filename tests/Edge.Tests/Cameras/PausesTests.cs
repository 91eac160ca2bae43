using Vlm.Edge.Cameras;

namespace Vlm.Edge.Tests.Cameras;

public sealed class PausesTests
{
    [Fact]
    public void Pauses_double_from_a_second_to_a_minute_and_are_spread_over_their_upper_half()
    {
        Assert.Equal([0.5, 1, 2, 4, 8, 16, 30, 30], Enumerable.Range(1, 8).Select(failures => Backoff.Pause(failures, 0).TotalSeconds));
        Assert.Equal([1.0, 2, 4, 60, 60], ((int[])[1, 2, 3, 7, int.MaxValue]).Select(failures => Math.Round(Backoff.Pause(failures, 0.999999).TotalSeconds)));
    }

    [Fact]
    public void What_is_told_of_a_camera_changes_once_the_new_state_has_lasted_thirty_seconds()
    {
        var told = Debounce.Start;
        var changes = new List<(int Second, bool IsDown)>();
        bool IsDown(int second) => second is (>= 10 and < 35) or (>= 50 and < 90);
        for (var second = 0; second < 150; second++)
        {
            var next = told.Next(IsDown(second), TimeSpan.FromSeconds(second));
            if (next.IsDown != told.IsDown) changes.Add((second, next.IsDown));
            told = next;
        }

        // Down for 25 s: nothing. Down for 40 s: told after 30, and up again 30 s after its end.
        Assert.Equal([(80, true), (120, false)], changes);
    }

    [Fact]
    public void A_camera_that_flaps_is_told_of_once()
    {
        var told = Debounce.Start.Next(true, TimeSpan.Zero).Next(true, Debounce.Lasting);
        Assert.True(told.IsDown);
        for (var second = 31; second < 600; second++) told = told.Next(second % 20 < 10, TimeSpan.FromSeconds(second));

        Assert.True(told.IsDown);
    }
}
