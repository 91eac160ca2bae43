using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Escalations;

namespace Vlm.Edge.Tests.Escalations;

/// <summary>How old what waits is, whatever the machine's clock says, and what becomes of what is too old.</summary>
public sealed class QueueAgeTests : IDisposable
{
    private readonly TestFiles _files = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));

    private string Folder => _files.File("queue");

    public void Dispose() => _files.Dispose();

    [Fact]
    public void What_is_too_old_becomes_a_dead_letter_and_goes_when_nobody_decides()
    {
        using var queueOpen = Open(out var queue, new QueueOptions { MaxAgeHours = 1 });
        var told = Listen(queue);
        queue.TryEnqueue(Bench.Question("old"));
        _time.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal(TimeSpan.FromMinutes(59), queue.Stats().OldestAge);
        queue.TryEnqueue(Bench.Question("new"));
        _time.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal("new", Assert.Single(queue.Lease(5)).Escalation.Id);
        Assert.Equal(("old", "expired"), (Assert.Single(queue.DeadLetters(5)).Entry.Id, queue.DeadLetters(5)[0].Reason));
        Assert.Equal(QueueDrop.Expired, Assert.IsType<QueueNews.GivenUp>(Assert.Single(told)).Reason);
        _time.Advance(TimeSpan.FromHours(2));
        queue.Lease(1);
        Assert.DoesNotContain("old", queue.DeadLetters(5).Select(dead => dead.Entry.Id));
    }

    [Fact]
    public void A_clock_that_jumps_expires_nothing_and_leases_run_on()
    {
        var clock = new JumpingClock(_time);
        using var queueOpen = Bench.Open(new QueueOptions { Folder = Folder, MaxAgeHours = 1 }, clock, out var queue);
        queue.TryEnqueue(Bench.Question("a"));
        Assert.Single(queue.Lease(1));
        clock.Jump = TimeSpan.FromDays(35);
        Assert.Empty(queue.Lease(1));
        Assert.Equal((1, TimeSpan.Zero), (queue.Stats().Waiting, queue.Stats().OldestAge));
        clock.Jump = TimeSpan.FromDays(-35);
        _time.Advance(TimeSpan.FromSeconds(121));
        Assert.Single(queue.Lease(1));
    }

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    public void From_another_boot_the_clock_counts_only_where_it_was_and_is_believed(bool was, bool isNow, bool expires)
    {
        var options = new QueueOptions { Folder = Folder, MaxAgeHours = 1 };
        var meters = new EscalationMeters();
        using (Bench.Open(options, Bench.Around(meters, _time) with { IsWallKnown = () => was }, out var queue))
            queue.TryEnqueue(Bench.Question("a") with { Created = _time.GetUtcNow() });
        Run("UPDATE escalations SET boot = 'another', stamp = 999999999");
        _time.AdjustTime(_time.GetUtcNow().AddDays(35));

        using var againOpen = Bench.Open(options, Bench.Around(meters, _time) with { IsWallKnown = () => isNow }, out var again);

        Assert.Equal(expires ? 0 : 1, again.Lease(5).Count);
        if (expires) return;
        _time.Advance(TimeSpan.FromHours(2));
        Assert.Empty(again.Lease(5));
    }

    private IDisposable Open(out EscalationQueue queue, QueueOptions? options = null) =>
        Bench.Open((options ?? new QueueOptions()) with { Folder = Folder }, _time, out queue);

    /// <summary>A wall clock that somebody sets, over time that goes on.</summary>
    private sealed class JumpingClock(TimeProvider steady) : TimeProvider
    {
        public TimeSpan Jump { get; set; }

        public override long TimestampFrequency => steady.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => steady.GetUtcNow() + Jump;

        public override long GetTimestamp() => steady.GetTimestamp();
    }

    private static List<QueueNews> Listen(EscalationQueue queue)
    {
        var told = new List<QueueNews>();
        queue.Watch(told.Add);
        return told;
    }

    private void Run(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(Folder, "box.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Only what this class says.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
