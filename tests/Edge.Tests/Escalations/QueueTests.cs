using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Escalations;
using Vlm.Edge.Storage;

namespace Vlm.Edge.Tests.Escalations;

public sealed class QueueTests : IDisposable
{
    private readonly TestFiles _files = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));

    private string Folder => _files.File("queue");

    public void Dispose() => _files.Dispose();

    [Fact]
    public void What_was_accepted_is_there_after_a_restart_with_its_picture_and_its_key()
    {
        using (Open(out var queue)) Assert.IsType<EnqueueResult.Accepted>(queue.TryEnqueue(Bench.Question("a")));
        using var againOpen = Open(out var again);

        var leased = Assert.Single(again.Lease(5));

        Assert.Equal("a", leased.Escalation.Id);
        Assert.Equal(Bench.Picture, leased.Escalation.Picture);
        Assert.Equal(Bench.Question("a") with { Picture = [] }, leased.Escalation with { Picture = [] });
    }

    [Fact]
    public void One_id_is_taken_once()
    {
        using var queueOpen = Open(out var queue);
        queue.TryEnqueue(Bench.Question("a"));
        Assert.IsType<EnqueueResult.Duplicate>(queue.TryEnqueue(Bench.Question("a")));
        Assert.Equal(1, queue.Stats().Waiting);
    }

    [Fact]
    public void The_same_picture_is_kept_once_and_goes_with_its_last_entry()
    {
        using var queueOpen = Open(out var queue);
        queue.TryEnqueue(Bench.Question("a"));
        queue.TryEnqueue(Bench.Question("b"));
        Assert.Equal(Bench.Picture.Length, queue.Stats().Bytes);

        queue.Complete("a");
        Assert.Single(Pictures());
        queue.Complete("b");
        Assert.Empty(Pictures());
    }

    [Fact]
    public void A_lease_that_ran_out_is_taken_up_again_and_one_that_did_not_is_left_alone()
    {
        using var queueOpen = Open(out var queue);
        queue.TryEnqueue(Bench.Question("a"));
        Assert.Single(queue.Lease(5));
        Assert.Empty(queue.Lease(5));
        _time.Advance(TimeSpan.FromSeconds(121));
        Assert.Single(queue.Lease(5));
    }

    [Fact]
    public void What_a_killed_process_worked_on_is_taken_up_at_once_by_the_next()
    {
        using (Open(out var queue))
        {
            queue.TryEnqueue(Bench.Question("a"));
            queue.Lease(1);
        }

        using var nextOpen = Open(out var next);
        Assert.Single(next.Lease(1));
    }

    [Theory]
    [InlineData("OldestFirst", "a b c")]
    [InlineData("NewestFirst", "c b a")]
    public void The_order_is_as_the_option_says(string order, string expected)
    {
        using var queueOpen = Open(out var queue, new QueueOptions { Order = Enum.Parse<DrainOrder>(order) });
        foreach (var id in (string[])["a", "b", "c"]) queue.TryEnqueue(Bench.Question(id));
        Assert.Equal(expected, string.Join(' ', queue.Lease(3).Select(leased => leased.Escalation.Id)));
    }

    [Fact]
    public void What_is_released_can_be_taken_again_and_counts_its_own_failures_only()
    {
        using var queueOpen = Open(out var queue);
        queue.TryEnqueue(Bench.Question("a"));
        queue.Lease(1);
        Assert.Empty(queue.Lease(1));
        queue.Release("a", isItsFault: true);
        Assert.Equal(1, Assert.Single(queue.Lease(1)).Attempts);
        queue.Release("a", isItsFault: false);
        Assert.Equal(1, Assert.Single(queue.Lease(1)).Attempts);
    }

    [Fact]
    public void A_full_queue_turns_the_new_one_away_with_a_reason()
    {
        using var queueOpen = Open(out var queue, new QueueOptions { MaxCount = 2 });
        queue.TryEnqueue(Bench.Question("a"));
        queue.TryEnqueue(Bench.Question("b"));

        Assert.Equal(QueueDrop.Full, Assert.IsType<EnqueueResult.Rejected>(queue.TryEnqueue(Bench.Question("c"))).Reason);
        Assert.Equal(2, queue.Stats().Waiting);
    }

    [Fact]
    public void A_full_queue_can_give_up_dead_letters_and_then_the_oldest_but_nothing_that_is_being_sent()
    {
        using var queueOpen = Open(out var queue, new QueueOptions { MaxCount = 3, WhenFull = WhenFull.DropOldest });
        foreach (var id in (string[])["a", "b", "dead"]) queue.TryEnqueue(Bench.Question(id));
        queue.Fail("dead", EscalationFailure.BadAnswer, "unreadable");

        Assert.Equal(1, Assert.IsType<EnqueueResult.Accepted>(queue.TryEnqueue(Bench.Question("c"))).Dropped);
        Assert.Equal((3, 0), (queue.Stats().Waiting, queue.Stats().Dead));
        Assert.Equal("a", Assert.Single(queue.Lease(1)).Escalation.Id);
        queue.TryEnqueue(Bench.Question("d"));
        Assert.Equal("c d", string.Join(' ', queue.Lease(5).Select(leased => leased.Escalation.Id)));
        Assert.Equal(QueueDrop.Full, Assert.IsType<EnqueueResult.Rejected>(queue.TryEnqueue(Bench.Question("e"))).Reason);
    }

    [Fact]
    public void The_bytes_of_the_pictures_are_bounded()
    {
        using var queueOpen = Open(out var queue, new QueueOptions { MaxBytes = 1 << 16, WhenFull = WhenFull.DropOldest });
        Escalation Large(string id, byte fill) => Bench.Question(id) with { Picture = [.. Enumerable.Repeat(fill, 40_000)] };

        Assert.IsType<EnqueueResult.Accepted>(queue.TryEnqueue(Large("a", 1)));
        Assert.Equal(1, Assert.IsType<EnqueueResult.Accepted>(queue.TryEnqueue(Large("b", 2))).Dropped);
        Assert.Equal(40_000, queue.Stats().Bytes);
        Assert.Equal(QueueDrop.TooLarge,
            Assert.IsType<EnqueueResult.Rejected>(queue.TryEnqueue(Bench.Question("c") with { Picture = new byte[70_000] })).Reason);
        Assert.Equal("b", Assert.Single(queue.Lease(5)).Escalation.Id);
    }

    [Fact]
    public void A_lost_picture_is_a_dead_letter_and_told_and_the_others_go_on()
    {
        using var queueOpen = Open(out var queue);
        var told = Listen(queue);
        queue.TryEnqueue(Bench.Question("lost"));
        foreach (var file in Pictures()) File.WriteAllText(file, "garbage");
        queue.TryEnqueue(Bench.Question("fine") with { Picture = [1, 2, 3] });

        Assert.Equal("fine", Assert.Single(queue.Lease(5)).Escalation.Id);
        Assert.Equal(("lost", "picture_lost"), (Assert.Single(queue.DeadLetters(5)).Entry.Id, queue.DeadLetters(5)[0].Reason));
        Assert.Equal(1, queue.Stats().LostPictures);
        Assert.Equal("lost", Assert.IsType<QueueNews.GivenUp>(Assert.Single(told)).Entry.Id);
        queue.Drop("lost");
        Assert.Equal(0, queue.Stats().LostPictures);
    }

    [Fact]
    public void A_dead_letter_keeps_its_picture_and_can_be_sent_again()
    {
        using (Open(out var queue))
        {
            queue.TryEnqueue(Bench.Question("a"));
            queue.Fail("a", EscalationFailure.BadAnswer, "unreadable");
            Assert.Empty(queue.Lease(1));
        }

        using var againOpen = Open(out var again);
        var dead = Assert.Single(again.DeadLetters(5));
        Assert.Equal(("a", "bad_answer", "unreadable"), (dead.Entry.Id, dead.Reason, dead.Detail));
        Assert.Equal((0, 1), (again.Resend("b"), again.Resend("a")));
        Assert.Equal(Bench.Picture, Assert.Single(again.Lease(1)).Escalation.Picture);
    }

    [Fact]
    public void Dropped_dead_letters_give_back_their_place_and_what_waits_cannot_be_dropped()
    {
        using var queueOpen = Bench.Open(new QueueOptions { Folder = Folder, MaxCount = 2 }, _time, out var queue);
        queue.TryEnqueue(Bench.Question("dead"));
        queue.TryEnqueue(Bench.Question("waits"));
        queue.Fail("dead", EscalationFailure.BadAnswer, "unreadable");
        Assert.IsType<EnqueueResult.Rejected>(queue.TryEnqueue(Bench.Question("new")));

        Assert.Equal((0, 1, 0), (queue.Drop("waits"), queue.Drop("dead"), queue.Drop(null)));

        Assert.IsType<EnqueueResult.Accepted>(queue.TryEnqueue(Bench.Question("new")));
        Assert.Equal(["waits", "new"], queue.Lease(5).Select(leased => leased.Escalation.Id));
    }

    [Theory]
    [InlineData("header")]
    [InlineData("pages")]
    public void A_damaged_database_is_put_aside_with_its_pictures_and_a_new_one_is_used(string where)
    {
        using (Open(out var queue))
        {
            for (var i = 0; i < 50; i++) queue.TryEnqueue(Bench.Question($"question-{i}"));
        }

        Damage(Path.Combine(Folder, "box.db"), where == "header" ? 0 : 4096);
        using var againOpen = Open(out var again);

        Assert.Equal((0, 1), (again.Stats().Waiting, again.Stats().Quarantined));
        Assert.IsType<EnqueueResult.Accepted>(again.TryEnqueue(Bench.Question("new")));
        var aside = Assert.Single(Directory.GetDirectories(Folder, "quarantine-*"));
        Assert.True(File.Exists(Path.Combine(aside, "box.db")));
        Assert.Single(Directory.GetFiles(Path.Combine(aside, "pictures")));
    }

    [Theory]
    [InlineData("enqueue")]
    [InlineData("lease")]
    [InlineData("count")]
    public void Damage_while_it_is_open_is_met_like_damage_at_the_start(string next)
    {
        using var queueOpen = Open(out var queue);
        // More than SQLite keeps in memory, so that it must read what is on the disk.
        for (var i = 0; i < 10; i++) queue.TryEnqueue(Bench.Question($"question-{i}", new string('c', 400_000)));

        Overwrite(Path.Combine(Folder, "box.db"));
        Overwrite(Path.Combine(Folder, "box.db-wal"));

        if (next == "enqueue") Assert.IsType<EnqueueResult.Accepted>(queue.TryEnqueue(Bench.Question("new")));
        if (next == "lease") Assert.Empty(queue.Lease(20));
        Assert.Equal((next == "enqueue" ? 1 : 0, 1), (queue.Stats().Waiting, queue.Stats().Quarantined));
        // What was in work when it happened comes to its end without an error, and the queue goes on.
        queue.Complete("question-0");
        queue.Fail("question-1", EscalationFailure.BadAnswer, "unreadable");
        Assert.IsType<EnqueueResult.Accepted>(queue.TryEnqueue(Bench.Question("more")));
        Assert.Contains("more", queue.Lease(5).Select(leased => leased.Escalation.Id));
        var aside = Assert.Single(Directory.GetDirectories(Folder, "quarantine-*"));
        Assert.True(File.Exists(Path.Combine(aside, "box.db")));
        Assert.Contains(Bench.Picture, Directory.GetFiles(Path.Combine(aside, "pictures")).Select(File.ReadAllBytes));
    }

    [Fact]
    public void A_row_that_makes_no_sense_is_damage()
    {
        using (Open(out var queue)) queue.TryEnqueue(Bench.Question("a"));
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(Folder, "box.db")};Pooling=false"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "UPDATE escalations SET reason = 'sabotage'";
            command.ExecuteNonQuery();
        }

        using var againOpen = Open(out var again);
        Assert.Empty(again.Lease(1));
        Assert.Equal(1, again.Stats().Quarantined);
    }

    [Fact]
    public void A_lost_or_damaged_picture_is_given_up_and_the_rest_goes_on()
    {
        using var queueOpen = Open(out var queue);
        queue.TryEnqueue(Bench.Question("a"));
        queue.TryEnqueue(Bench.Question("b") with { Picture = [1, 2, 3, 4] });
        File.WriteAllBytes(Pictures().Single(file => new FileInfo(file).Length == Bench.Picture.Length), [0]);

        Assert.Equal("b", Assert.Single(queue.Lease(5)).Escalation.Id);
        Assert.Equal(1, queue.Stats().Waiting);
    }

    [Fact]
    public void Pictures_without_an_entry_and_unfinished_ones_are_removed_at_the_start()
    {
        using (Open(out var queue)) queue.TryEnqueue(Bench.Question("a"));
        File.WriteAllBytes(Path.Combine(Folder, "pictures", new string('0', 64)), [1]);
        File.WriteAllBytes(Path.Combine(Folder, "pictures", new string('1', 64) + ".part"), [1]);

        using var againOpen = Open(out var again);

        Assert.Single(Pictures());
        Assert.Single(again.Lease(1));
    }

    [Fact]
    public void A_second_process_is_told_that_the_queue_is_taken()
    {
        using var queueOpen = Open(out var queue);
        queue.TryEnqueue(Bench.Question("a"));
        Assert.Equal(StorageFault.Taken, Assert.Throws<StorageException>(() => Open(out _)).Fault);
        Assert.Single(queue.Lease(1));
    }

    private IDisposable Open(out EscalationQueue queue, QueueOptions? options = null) =>
        Bench.Open((options ?? new QueueOptions()) with { Folder = Folder }, _time, out queue);

    private string[] Pictures() => Directory.GetFiles(Path.Combine(Folder, "pictures"));

    /// <summary>In place, while others have it open.</summary>
    private static void Overwrite(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        var garbage = new byte[stream.Length];
        new Random(7).NextBytes(garbage);
        stream.Write(garbage);
    }

    private static void Damage(string file, int from)
    {
        var bytes = File.ReadAllBytes(file);
        for (var i = from; i < bytes.Length; i++) bytes[i] = (byte)(i * 31);
        File.WriteAllBytes(file, bytes);
    }

    private static List<QueueNews> Listen(EscalationQueue queue)
    {
        var told = new List<QueueNews>();
        queue.Watch(told.Add);
        return told;
    }
}
