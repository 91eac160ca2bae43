using FsCheck;
using FsCheck.Fluent;
using Vlm.Edge.Cameras;
using Vlm.Edge.Scenes;
using Vlm.Edge.Watching;

namespace Vlm.Edge.Tests.Watching;

/// <summary>Whose frame is looked at next.</summary>
public sealed class LookTurnsTests
{
    private static readonly string[] Names = ["a", "b", "c", "d"];

    [Fact]
    public void The_camera_that_waited_longest_is_next_and_its_newest_frame_is_looked_at()
    {
        var turns = Turns(60);
        turns.Offer(Look("b", 1), At(1));
        turns.Offer(Look("a", 1), At(2));
        var replaced = turns.Offer(Look("b", 2), At(3));

        var first = turns.Next(At(4)).Look!;

        Assert.Equal(("b", 2, 1, TimeSpan.FromSeconds(3)),
            (first.Look.Frame.Camera, first.Look.Frame.Sequence, replaced!.Frame.Sequence, first.Waited));
        Assert.Equal("a", turns.Next(At(4)).Look!.Look.Frame.Camera);
    }

    [Fact]
    public void A_camera_has_one_look_at_a_time()
    {
        var turns = Turns(600);
        turns.Offer(Look("a", 1), At(0));
        Assert.NotNull(turns.Next(At(0)).Look);
        turns.Offer(Look("a", 2), At(0));

        Assert.Equal((null, null), turns.Next(At(1)));
        turns.Done("a");
        Assert.Equal(2, turns.Next(At(1)).Look!.Look.Frame.Sequence);
    }

    [Fact]
    public void A_camera_above_its_rate_waits_and_others_go_before_it()
    {
        var turns = Turns(60);
        for (var i = 0; i < 6; i++) Assert.NotNull(TakeOne(turns, "a", At(0)));
        turns.Offer(Look("a", 7), At(0));
        turns.Offer(Look("b", 1), At(0.5));

        Assert.Equal("b", turns.Next(At(0.5)).Look!.Look.Frame.Camera);
        var (none, wait) = turns.Next(At(0.5));
        Assert.Null(none);
        Assert.InRange(wait!.Value.TotalSeconds, 0.49, 0.51);
        Assert.NotNull(turns.Next(At(1)).Look);
    }

    [Fact]
    public void A_machine_that_is_spared_looks_a_quarter_as_often()
    {
        int InAMinute(double pace)
        {
            var turns = Turns(60);
            turns.Pace = pace;
            return Enumerable.Range(0, 600).Count(i => TakeOne(turns, "a", At(i / 10.0)) is not null);
        }

        Assert.InRange(InAMinute(1), 64, 67);
        Assert.InRange(InAMinute(ThermalRule.SlowPace), 19, 22);
    }

    [Fact]
    public void All_that_want_a_look_have_one_before_any_has_two() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(200), Prop.ForAll(
        Gen.Elements(Names).ListOf().ToArbitrary(),
        offers =>
        {
            var turns = Turns(6000);
            var waiting = new HashSet<string>();
            var servedSince = Names.ToDictionary(name => name, _ => new HashSet<string>());
            var now = 0.0;
            foreach (var name in offers)
            {
                turns.Offer(Look(name, 1), At(now += 1));
                if (waiting.Add(name)) servedSince[name].Clear();
                if ((int)now % 2 == 0) continue;
                var served = turns.Next(At(now)).Look!.Look.Frame.Camera;
                turns.Done(served);
                waiting.Remove(served);
                foreach (var other in waiting) Assert.True(servedSince[other].Add(served), $"{served} had two looks while {other} waited");
            }
        }));

    [Fact]
    public void Of_other_cameras_those_that_stay_keep_their_place_and_what_is_under_way_of_the_others_harms_nothing()
    {
        var turns = Turns(60);
        turns.Offer(Look("a", 1), At(0));
        turns.Offer(Look("b", 1), At(1));
        Assert.Equal("a", turns.Next(At(2)).Look!.Look.Frame.Camera);

        turns.Change(new Dictionary<string, double> { ["b"] = 60, ["new"] = 60 });
        turns.Done("a");
        Assert.Null(turns.Cancel("a"));
        Assert.Null(turns.Offer(Look("a", 2), At(3)));
        Assert.Equal((TimeSpan.Zero, false), (turns.WaitOf("a", At(4)), turns.IsLooking("a")));
        turns.Offer(Look("new", 1), At(4));

        Assert.Equal(["b", "new"], new[] { turns.Next(At(5)).Look!, turns.Next(At(5)).Look! }.Select(due => due.Look.Frame.Camera));
        Assert.Null(turns.Next(At(60)).Look);
    }

    private static DueLook? TakeOne(LookTurns turns, string camera, TimeSpan now)
    {
        turns.Offer(Look(camera, 1), now);
        var due = turns.Next(now).Look;
        turns.Cancel(camera);
        turns.Done(camera);
        return due;
    }

    private static LookTurns Turns(double perMinute) => new(Names.ToDictionary(name => name, _ => perMinute));

    private static WantedLook Look(string camera, long sequence) =>
        new(new Frame(camera, new byte[1], 0, default, sequence, 1, FrameIntegrity.Intact), "a b", 1, LookReason.Again);

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
