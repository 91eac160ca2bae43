using Vlm.Trainer.Config;
using Vlm.Trainer.Grpo;

namespace Vlm.Trainer.Tests.Grpo;

public sealed class RevisitQueueTests
{
    [Fact]
    public void A_step_takes_its_share_of_what_waits_in_the_order_in_which_it_came()
    {
        var queue = new RevisitQueue(new RevisitConfig { Share = 0.5, Most = 8 }, [(3, []), (5, []), (9, [])]);
        Assert.Equal([3, 5], queue.Take(4).Select(draw => draw.Number));
        Assert.Equal([9], queue.Take(4).Select(draw => draw.Number));
        Assert.Empty(queue.Take(4));
    }

    [Fact]
    public void The_oldest_goes_when_too_many_wait()
    {
        var queue = new RevisitQueue(new RevisitConfig { Share = 0.5, Most = 2 }, []);
        foreach (var number in new long[] { 1, 2, 3 }) queue.Keep(number, []);
        Assert.Equal([2, 3], queue.Waiting);
    }

    [Fact]
    public void Nothing_waits_where_nothing_is_asked_again()
    {
        var queue = new RevisitQueue(new RevisitConfig(), []);
        queue.Keep(1, []);
        Assert.Empty(queue.Waiting);
        Assert.Empty(queue.Take(100));
    }
}
