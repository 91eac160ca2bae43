using FsCheck;
using FsCheck.Fluent;
using Vlm.Edge.Cameras;

namespace Vlm.Edge.Tests.Cameras;

public sealed class CameraStateTests
{
    private static readonly CameraLimits Live = new(Liveness.Live, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30));

    [Theory]
    // Seconds since: the start, the newest intact picture, the newest damaged one, the newest changed one; -1 for never.
    [InlineData(1, -1, -1, -1, "None", false, "Offline", "Starting")]
    [InlineData(11, -1, -1, -1, "None", false, "Offline", "Stalled")]
    [InlineData(1, -1, -1, -1, "Unauthorized", false, "Offline", "Unauthorized")]
    [InlineData(99, 10, -1, 10, "None", false, "Online", "None")]
    [InlineData(99, 10.1, -1, 10.1, "None", false, "Offline", "Stalled")]
    [InlineData(99, 11, 60, 11, "Ended", false, "Offline", "Ended")]
    [InlineData(99, 3, -1, 3, "Ended", false, "Online", "None")]
    [InlineData(99, 1, 2, 1, "None", false, "Degraded", "Damaged")]
    [InlineData(99, 1, 11, 1, "None", false, "Online", "None")]
    [InlineData(99, 50, 2, 50, "None", false, "Degraded", "Damaged")]
    [InlineData(99, 1, -1, 31, "None", false, "Frozen", "Frozen")]
    [InlineData(99, 1, -1, 30, "None", false, "Online", "None")]
    [InlineData(99, 11, -1, 40, "None", false, "Offline", "Stalled")]
    [InlineData(99, 1, -1, 1, "None", true, "Degraded", "Dark")]
    public void The_state_follows_from_the_age_of_the_newest_intact_new_picture(
        double start, double intact, double damaged, double changed, string fault, bool isDark, string condition, string reason)
    {
        var state = CameraState.Of(Ages(start, intact, damaged, changed), Live, Enum.Parse<CameraReason>(fault), isDark);

        Assert.Equal((condition, reason), (state.Condition.ToString(), state.Reason.ToString()));
    }

    [Theory]
    [InlineData("Repeating")]
    [InlineData("Still")]
    public void Only_a_live_source_can_be_frozen(string liveness)
    {
        var limits = Live with { Liveness = Enum.Parse<Liveness>(liveness) };

        Assert.Equal(CameraCondition.Online, CameraState.Of(Ages(99, 1, -1, 99), limits, CameraReason.None, false).Condition);
        Assert.Equal(CameraCondition.Online, CameraState.Of(Ages(99, 1, -1, 99), Live with { FrozenAfter = null }, CameraReason.None, false).Condition);
    }

    [Fact]
    public void No_camera_is_online_whose_newest_intact_picture_is_old() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(1000),
        Prop.ForAll(Gen.Choose(0, 1 << 30).ToArbitrary(), seed =>
        {
            var random = new Statistics.SeededRandom((ulong)seed);
            var ages = Enumerable.Range(0, 4).Select(_ => random.Next(42) - 1.0).ToArray();
            var fault = (CameraReason)random.Next(Enum.GetValues<CameraReason>().Length);
            foreach (var isDark in (bool[])[false, true])
            {
                var state = CameraState.Of(Ages(ages[0], ages[1], ages[2], ages[3]), Live, fault, isDark);
                if (ages[1] is < 0 or > 10) Assert.NotEqual(CameraCondition.Online, state.Condition);
                Assert.Equal(state.Condition == CameraCondition.Online, state.Reason == CameraReason.None);
            }
        }));

    private static CameraAges Ages(double start, double intact, double damaged, double changed) =>
        new(TimeSpan.FromSeconds(start), Age(intact), Age(damaged), Age(changed));

    private static TimeSpan? Age(double seconds) => seconds < 0 ? null : TimeSpan.FromSeconds(seconds);
}
