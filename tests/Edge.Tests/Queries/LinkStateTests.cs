using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Escalations;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Tests.Queries;

public sealed class LinkStateTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData(null, 5)]
    [InlineData(2, 2)]
    [InlineData(3600, 60)]
    public void A_bad_state_holds_as_long_as_the_endpoint_asks_for_up_to_a_minute(int? askedSeconds, int heldSeconds)
    {
        var link = new LinkState(_time);
        link.Note(Failed(EscalationFailure.Offline, askedSeconds));

        _time.Advance(TimeSpan.FromSeconds(heldSeconds) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(Link.Offline, link.Now);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(Link.Online, link.Now);
    }

    [Fact]
    public void An_answer_opens_the_way_and_a_spent_budget_says_nothing_about_it()
    {
        var link = new LinkState(_time);
        link.Note(Failed(EscalationFailure.BreakerOpen, null));
        link.Note(Failed(EscalationFailure.Budget, null));
        Assert.Equal(Link.BreakerOpen, link.Now);

        link.Note(new EscalationResult.Answered("cat", "larger", TimeSpan.Zero, 1, 1));
        Assert.Equal(Link.Online, link.Now);
    }

    private static EscalationResult.Failed Failed(EscalationFailure reason, int? seconds) =>
        new EscalationResult.Failed(reason, "", seconds is { } wait ? TimeSpan.FromSeconds(wait) : null, 1);
}
