using Vlm.Edge.Answers;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;
using Vlm.Edge.Storage;
using Vlm.Edge.Tests.Escalations;

namespace Vlm.Edge.Tests.Queries;

public sealed class EventStreamTests : IDisposable
{
    private readonly TestFiles _files = new();
    private readonly BoxDatabase _box;
    private readonly History _history;
    private readonly EventStream _stream;

    public EventStreamTests()
    {
        _box = Bench.Box(_files.File("state"), TimeProvider.System);
        _history = new History(_box, new HistoryOptions(), TimeProvider.System);
        _stream = new EventStream(_history);
    }

    public void Dispose()
    {
        _box.Dispose();
        _files.Dispose();
    }

    [Fact]
    public void Events_and_their_numbers_outlive_a_restart()
    {
        Publish(300);
        _stream.Publish(new EdgeEvent.Corrected("q", new Correction("x", "larger", false, EscalationReason.LowConfidence, DateTimeOffset.UnixEpoch)));

        var again = new EventStream(_history);
        using var subscription = again.Listen(299)!;
        Assert.True(subscription.Events.TryRead(out var last) && last.Number == 300);
        Assert.True(subscription.Events.TryRead(out last));
        Assert.Equal((301, new EdgeEvent.Corrected("q", new Correction("x", "larger", false, EscalationReason.LowConfidence, DateTimeOffset.UnixEpoch))),
            (last.Number, last.Event));
        again.Publish(new EdgeEvent.NotCorrected("q", "y"));
        Assert.True(subscription.Events.TryRead(out last) && last.Number == 302);
    }

    [Fact]
    public void A_listener_hears_what_happens_from_now_on_or_since_it_left()
    {
        Publish(3);
        using var fresh = _stream.Listen(null);
        using var back = _stream.Listen(1);
        Publish(1);

        Assert.Equal<long>([4], Read(fresh!));
        Assert.Equal<long>([2, 3, 4], Read(back!));
    }

    [Fact]
    public void A_key_hears_of_its_own_questions_alone_also_after_a_restart()
    {
        _stream.Publish(new EdgeEvent.NotCorrected("1", "x"), "door");
        _stream.Publish(new EdgeEvent.Alarm("state", "x"));
        var again = new EventStream(_history);
        using var door = again.Listen(0, "door")!;
        using var gate = again.Listen(0, "gate")!;
        using var all = again.Listen(0)!;
        again.Publish(new EdgeEvent.NotCorrected("2", "x"), "gate");
        again.Publish(new EdgeEvent.NotCorrected("3", "x"), "door");

        Assert.Equal([[1, 4], [3], [1, 2, 3, 4]], new[] { door, gate, all }.Select(Read));
    }

    [Fact]
    public void A_listener_that_was_there_before_a_restart_hears_all_that_is_kept()
    {
        Publish(3);
        using var back = _stream.Listen(700);

        Assert.Equal<long>([1, 2, 3], Read(back!));
    }

    [Fact]
    public void A_listener_that_falls_behind_is_cut_off_and_catches_up()
    {
        using var slow = _stream.Listen(null)!;
        Publish(70);

        var heard = Read(slow);
        Assert.Equal(64, heard.Count);
        Assert.True(slow.Events.Completion.IsCompleted);
        Assert.Equal(0, _stream.Listeners);
        using var again = _stream.Listen(heard[^1])!;
        Assert.Equal<long>([65, 66, 67, 68, 69, 70], Read(again));
    }

    [Fact]
    public void Listeners_are_bounded_and_leave_when_they_go()
    {
        var all = Enumerable.Range(0, 64).Select(_ => _stream.Listen(null)!).ToArray();
        Assert.Null(_stream.Listen(null));
        foreach (var one in all) one.Dispose();
        Assert.Equal(0, _stream.Listeners);
    }

    private void Publish(int count)
    {
        for (var i = 0; i < count; i++) _stream.Publish(new EdgeEvent.Alarm("state", "x"));
    }

    private static List<long> Read(EventStream.Subscription subscription)
    {
        var numbers = new List<long>();
        while (subscription.Events.TryRead(out var happened)) numbers.Add(happened.Number);
        return numbers;
    }
}
