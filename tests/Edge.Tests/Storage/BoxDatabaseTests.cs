using System.Collections.Concurrent;
using Vlm.Edge.Escalations;
using Vlm.Edge.Storage;
using Vlm.Edge.Tests.Escalations;

namespace Vlm.Edge.Tests.Storage;

/// <summary>The one database: what answers and the queue have in common.</summary>
public sealed class BoxDatabaseTests : IDisposable
{
    private readonly TestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Answers_and_what_waits_lie_in_one_file_and_are_put_aside_together_with_the_pictures_that_wait()
    {
        using (var box = Box())
        {
            using var queue = Queue(box);
            new History(box, new HistoryOptions(), TimeProvider.System).PutAnswer("a", "{}", new AskedRow("", null, null));
            Assert.IsType<EnqueueResult.Accepted>(queue.TryEnqueue(Bench.Question("a")));
        }
        Assert.Equal(["box.db", "reserve"], Directory.GetFiles(_files.File("state")).Select(Path.GetFileName).Order());
        File.WriteAllBytes(Path.Combine(_files.File("state"), "box.db"), [.. Enumerable.Repeat((byte)7, 9000)]);

        using var again = Box();
        Assert.Null(new History(again, new HistoryOptions(), TimeProvider.System).Find("a"));
        using var next = Queue(again);

        Assert.Equal((0, 1), (next.Stats().Waiting, next.Stats().Quarantined));
        Assert.Equal(2, again.PutAsideFolders().Count);
        Assert.Single(Directory.GetFiles(_files.File("queue"), "*", SearchOption.AllDirectories));
        // A picture that came before its folder was put aside is kept again.
        Assert.IsType<EnqueueResult.Accepted>(next.TryEnqueue(Bench.Question("b")));
        Assert.Single(next.Lease(1));
    }

    [Fact]
    public async Task Listeners_are_called_one_after_the_other_and_hear_what_was_before_them()
    {
        using var box = Box();
        box.Report("one");
        var heard = new ConcurrentQueue<string>();
        box.Watch(new StorageListener(heard.Enqueue, heard.Enqueue, heard.Enqueue, () => heard.Enqueue("fine")));
        box.Report("two");
        box.Use(DiskUse.Read, _ => true);
        box.Use(DiskUse.Settle, _ => true);
        box.Use(DiskUse.Settle, _ => true);
        box.Report("three");

        await ClientTests.Until(() => heard.Count == 4);
        Assert.Equal(["one", "two", "fine", "three"], heard);
    }

    private BoxDatabase Box() => Bench.Box(_files.File("state"), TimeProvider.System, _files.File("queue"));

    private static EscalationQueue Queue(BoxDatabase box) =>
        new(box, new QueueOptions { Folder = box.Folders.Waiting! }, Bench.Around(new EscalationMeters(), TimeProvider.System));
}
