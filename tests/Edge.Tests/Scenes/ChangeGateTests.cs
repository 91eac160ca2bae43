using FsCheck;
using FsCheck.Fluent;
using Vlm.Edge.Scenes;

namespace Vlm.Edge.Tests.Scenes;

/// <summary>When a frame is looked at: a change is waited out, then looked at once; nothing that stands still is missed.</summary>
public sealed class ChangeGateTests
{
    private const int Quiet = 3;
    private static readonly DeskScene Empty = new(), Sheet = new() { Sheet = 1 };

    [Fact]
    public void The_first_frame_is_looked_at_and_more_of_the_same_are_not()
    {
        var looks = Looks(Enumerable.Range(0, 20).Select(i => Empty with { Noise = i }));

        Assert.Equal([(0, LookReason.First)], looks);
    }

    [Fact]
    public void A_sheet_that_is_put_there_is_looked_at_once_when_three_frames_stood_still()
    {
        var looks = Looks([Empty, Empty, Empty with { Hand = 0.2 }, Sheet with { Hand = 0.5 }, Sheet, Sheet, Sheet, Sheet, Sheet, Sheet]);

        Assert.Equal([(0, LookReason.First), (7, LookReason.Settled)], looks);
    }

    [Fact]
    public void Nothing_is_looked_at_while_something_moves()
    {
        var looks = Looks([Empty, .. Enumerable.Range(0, 20).Select(i => Empty with { Hand = 0.1 + (0.04 * i) })]);

        Assert.Equal([(0, LookReason.First)], looks);
    }

    [Fact]
    public void Light_that_grows_everywhere_alike_is_no_change()
    {
        var grey = Enumerable.Range(0, 30).Select(i => Uniform((byte)(90 + i)));

        Assert.Equal([(0, LookReason.First)], Looks(grey.Select(Sight.Of)));
    }

    [Fact]
    public void The_switch_to_night_is_a_scene_reset_that_is_looked_at_once()
    {
        var looks = Looks([Sheet, Sheet, .. Enumerable.Range(0, 8).Select(i => Sheet with { IsNight = true, Noise = i })]);

        Assert.Equal([(0, LookReason.First), (5, LookReason.SceneReset)], looks);
    }

    [Fact]
    public void A_flip_of_most_cells_is_a_scene_reset()
    {
        static Sight Checks(int phase) => Sight.Of(new Vlm.Vision.RgbImage(Desk.Width, Desk.Height, [.. Enumerable.Range(0, Desk.Width * Desk.Height)
            .SelectMany(i => Enumerable.Repeat((byte)(((i % Desk.Width / 10) + (i / Desk.Width / 10) + phase) % 2 == 0 ? 40 : 200), 3))]));

        Assert.True(Checks(0).IsFlip(Checks(1)));
        Assert.Equal(
            [(0, LookReason.First), (3 + Quiet - 1, LookReason.SceneReset)],
            Looks([Checks(0), Checks(0), .. Enumerable.Repeat(Checks(1), 8)]).Select(look => (look.Frame, look.Reason)));
    }

    [Fact]
    public void Sheets_that_are_exchanged_between_two_frames_are_seen_by_their_letters()
    {
        // Letters that the coarse grid does not tell apart.
        var (one, other) = (Sight.Of(Letters(0)), Sight.Of(Letters(1)));
        Assert.False(one.Moved(other));

        var looks = Looks([.. Enumerable.Repeat(one, 8), .. Enumerable.Repeat(other, 12)]);

        Assert.Equal(LookReason.Detail, Assert.Single(looks.Skip(1)).Reason);
    }

    [Fact]
    public void What_never_stands_still_is_looked_at_now_and_then_and_may_be_read_again_then()
    {
        var gate = ChangeGate.New;
        var looks = new List<(double At, LookReason Reason)>();
        var settled = 0;
        var see = Desk.Once(scene => Sight.Of(Desk.Draw(scene)));
        for (var i = 0; i < 200; i++)
        {
            var sight = see(Sheet with { Hand = 0.05 + (i % 2 * 0.15) });
            (gate, var verdict) = gate.Step(sight, TimeSpan.FromSeconds(i * 0.5), Quiet);
            if (verdict.Look is { } reason) looks.Add((i * 0.5, reason));
            else if (verdict.IsSettled && !verdict.IsChange) settled++;
        }

        Assert.Equal([(0, LookReason.First), (30.5, LookReason.Restless), (90.5, LookReason.Restless)], looks);
        Assert.InRange(settled, 50, 100);
    }

    [Fact]
    public void Whatever_came_before_what_then_stands_still_was_looked_at() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(60), Prop.ForAll(Scenes(), scenes =>
        {
            var gate = ChangeGate.New;
            Sight? looked = null;
            var now = TimeSpan.Zero;
            var see = Desk.Once(scene => Sight.Of(Desk.Draw(scene)));
            // Long enough for all that the gate ever waits for.
            var still = Enumerable.Range(0, 150).Select(i => scenes[^1] with { Noise = i % 3 });
            foreach (var scene in scenes.Concat(still))
            {
                var sight = see(scene);
                (gate, var verdict) = gate.Step(sight, now, Quiet);
                if (verdict.Look is not null) looked = sight;
                now += TimeSpan.FromSeconds(0.5);
            }
            Assert.False(looked!.Moved(see(scenes[^1])));
            Assert.False(looked.HasOtherDetail(see(scenes[^1])));
        }));

    [Fact]
    public void Between_a_movement_and_a_look_lie_as_many_quiet_frames_as_are_wanted() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(60), Prop.ForAll(Scenes(), scenes =>
        {
            var gate = ChangeGate.New;
            var see = Desk.Once(scene => Sight.Of(Desk.Draw(scene)));
            Sight? before = null;
            var quiet = 0;
            foreach (var (scene, i) in scenes.Select((scene, i) => (scene, i)))
            {
                var sight = see(scene);
                quiet = before is not null && !sight.Moved(before) && !sight.IsFlip(before) ? quiet + 1 : 0;
                (gate, var verdict) = gate.Step(sight, TimeSpan.FromSeconds(i * 0.1), Quiet);
                if (verdict.Look is { } reason && reason != LookReason.First) Assert.InRange(quiet, Quiet, int.MaxValue);
                before = sight;
            }
        }));

    private static Arbitrary<DeskScene[]> Scenes() =>
        (from sheet in Gen.Choose(0, 3)
         from quarters in Gen.Choose(0, 3)
         from hand in Gen.Frequency((4, Gen.Constant((double?)null)), (1, Gen.Choose(0, 10).Select(at => (double?)(at / 10.0))))
         from isNight in Gen.Frequency((5, Gen.Constant(false)), (1, Gen.Constant(true)))
         from isCovered in Gen.Frequency((4, Gen.Constant(false)), (1, Gen.Constant(true)))
         from times in Gen.Choose(1, 6)
         select Enumerable.Repeat(new DeskScene { Sheet = sheet, Quarters = quarters, Hand = hand, IsNight = isNight, IsCovered = isCovered }, times))
        .NonEmptyListOf().Select(parts => parts.Take(8).SelectMany(part => part).ToArray()).ToArbitrary();

    private static List<(int Frame, LookReason Reason)> Looks(IEnumerable<DeskScene> scenes) => Looks(scenes.Select(scene => Sight.Of(Desk.Draw(scene))));

    /// <summary>Which of the frames, one a second, are looked at.</summary>
    private static List<(int Frame, LookReason Reason)> Looks(IEnumerable<Sight> sights)
    {
        var gate = ChangeGate.New;
        var looks = new List<(int, LookReason)>();
        foreach (var (sight, i) in sights.Select((sight, i) => (sight, i)))
        {
            (gate, var verdict) = gate.Step(sight, TimeSpan.FromSeconds(i), Quiet);
            if (verdict.Look is { } reason) looks.Add((i, reason));
        }
        return looks;
    }

    private static Vlm.Vision.RgbImage Uniform(byte grey) =>
        new(320, 240, [.. Enumerable.Repeat(grey, 320 * 240 * 3)]);

    /// <summary>Small dark dots, moved a little inside their cells.</summary>
    private static Vlm.Vision.RgbImage Letters(int shift)
    {
        var pixels = Enumerable.Repeat((byte)240, 640 * 480 * 3).ToArray();
        for (var y = 0; y < 480; y++)
        {
            for (var x = 0; x < 640; x++)
            {
                if ((x + (shift * 10)) % 40 < 8 && y % 40 is > 10 and < 18) pixels.AsSpan(((y * 640) + x) * 3, 3).Clear();
            }
        }
        return new Vlm.Vision.RgbImage(640, 480, pixels);
    }
}
