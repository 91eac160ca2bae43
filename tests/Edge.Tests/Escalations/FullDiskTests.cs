using System.Diagnostics;
using Vlm.Edge.Escalations;
using Vlm.Edge.Storage;

namespace Vlm.Edge.Tests.Escalations;

/// <summary>A real disk that is full: a file system of two megabytes, where the tests may mount one.</summary>
public sealed class FullDiskTests : IDisposable
{
    private const int PictureBytes = 60_000;

    private readonly TestFiles _files = new();
    private readonly string _disk;
    private readonly bool _isMounted;

    public FullDiskTests()
    {
        _disk = Directory.CreateDirectory(_files.File("disk")).FullName;
        _isMounted = OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", _disk);
    }

    private string Folder => Path.Combine(_disk, "queue");

    public void Dispose()
    {
        if (_isMounted) Run("umount", "-l", _disk);
        _files.Dispose();
    }

    [Fact]
    public void Nothing_accepted_is_lost_the_rest_is_told_why_and_the_queue_drains_and_recovers()
    {
        Assert.SkipUnless(_isMounted, "mounting a small file system takes root on Linux");
        using (Open(out var queue))
        {
            var results = Enumerable.Range(0, 60).Select(number => (Id: Id(number), Result: queue.TryEnqueue(Question(number)))).ToArray();
            var rejected = results.Select(item => item.Result).OfType<EnqueueResult.Rejected>().ToArray();
            Assert.InRange(rejected.Length, 30, 55);
            Assert.All(rejected, each => Assert.Equal(QueueDrop.DiskFull, each.Reason));
            Assert.Equal(60 - rejected.Length, queue.Stats().Waiting);
            Assert.Equal(60 - rejected.Length, Pictures().Length);
        }

        var accepted = Pictures().Length;
        var foreign = FillUp();
        using (Open(out var again))
        {
            Assert.Equal((accepted, 0), (again.Stats().Waiting, again.Stats().Quarantined));
            Assert.Equal(QueueDrop.DiskFull, Assert.IsType<EnqueueResult.Rejected>(again.TryEnqueue(Question(100))).Reason);

            // Not one block is free but those of the reserve, and others take what the queue gives back.
            var leased = again.Lease(100);
            Assert.All(leased, each => Assert.Equal(PictureBytes, each.Escalation.Picture.Length));
            Assert.Equal(Enumerable.Range(0, accepted).Select(Id), leased.Select(each => each.Escalation.Id));
            again.Fail(leased[0].Escalation.Id, EscalationFailure.BadAnswer, "unreadable");
            foreach (var each in leased.Skip(1)) again.Complete(each.Escalation.Id);
            Assert.Equal((0, 1), (again.Stats().Waiting, again.Stats().Dead));
            Assert.Single(Pictures());

            File.Delete(foreign);
            Assert.IsType<EnqueueResult.Accepted>(again.TryEnqueue(Question(101)));
            Assert.Equal(Id(101), Assert.Single(again.Lease(5)).Escalation.Id);
        }

        Assert.DoesNotContain(Directory.GetFiles(Folder, "*", SearchOption.AllDirectories), file => file.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void New_answers_leave_the_room_that_what_came_of_old_ones_is_kept_in()
    {
        Assert.SkipUnless(_isMounted, "mounting a small file system takes root on Linux");
        using var box = Bench.Box(Folder, TimeProvider.System);
        var history = new History(box, new HistoryOptions(), TimeProvider.System);
        var asked = new AskedRow("", null, null);
        history.PutAnswer("old", "{1}", asked);
        FillUp();

        history.PutAnswer("new", "{2}", asked);
        history.PutCorrection("old", "{3}");
        history.PutAnswer("newer", "{4}", asked);

        Assert.Equal((null, "{3}", null), (history.Find("new"), history.Find("old")!.Correction, history.Find("newer")));
    }

    [Fact]
    public void A_damaged_database_on_a_full_disk_is_put_aside_all_the_same()
    {
        Assert.SkipUnless(_isMounted, "mounting a small file system takes root on Linux");
        using (Open(out var queue)) queue.TryEnqueue(Question(0));
        FillUp();
        using (var database = new FileStream(Path.Combine(Folder, "box.db"), FileMode.Open, FileAccess.Write)) database.Write(new byte[100]);

        using var againOpen = Open(out var again);

        Assert.Equal((0, 1), (again.Stats().Waiting, again.Stats().Quarantined));
        Assert.Equal(QueueDrop.DiskFull, Assert.IsType<EnqueueResult.Rejected>(again.TryEnqueue(Question(1))).Reason);
    }

    private IDisposable Open(out EscalationQueue queue) => Bench.Open(new QueueOptions { Folder = Folder }, TimeProvider.System, out queue);

    private static string Id(int number) => $"question-{number}";

    private static Escalation Question(int number)
    {
        var picture = new byte[PictureBytes];
        BitConverter.TryWriteBytes(picture, number);
        return Bench.Question(Id(number)) with { Picture = picture };
    }

    private string[] Pictures() => Directory.GetFiles(Path.Combine(Folder, "pictures"));

    /// <summary>Somebody else writes until nothing goes in any more.</summary>
    private string FillUp()
    {
        var path = Path.Combine(_disk, "foreign");
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            var page = new byte[4096];
            for (var i = 0; i < 1000; i++) file.Write(page);
            Assert.Fail("the disk is larger than it was made");
        }
        catch (IOException)
        {
            return path;
        }

        return path;
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
