using Microsoft.Extensions.Time.Testing;
using Vlm.Hosting.Http;

namespace Vlm.Escalation.Tests.Hosting;

public sealed class RateLimitsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_key_may_burst_then_waits_for_its_rate_and_takes_nothing_from_another()
    {
        var limits = new RateLimits(new RateOptions(PerMinute: 60, Burst: 2), _time);
        Assert.Equal((TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromSeconds(1)), (limits.Take("a"), limits.Take("a"), limits.Take("a")));
        Assert.Equal(TimeSpan.Zero, limits.Take("b"));

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.Zero, limits.Take("a"));
        Assert.NotEqual(TimeSpan.Zero, limits.Take("a"));

        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal((TimeSpan.Zero, TimeSpan.Zero, false), (limits.Take("a"), limits.Take("a"), limits.Take("a") == TimeSpan.Zero));
    }

    [Fact]
    public void Without_a_rate_nobody_waits()
    {
        var limits = new RateLimits(new RateOptions(0, 1), _time);
        Assert.All(Enumerable.Range(0, 100), _ => Assert.Equal(TimeSpan.Zero, limits.Take("a")));
    }
}
