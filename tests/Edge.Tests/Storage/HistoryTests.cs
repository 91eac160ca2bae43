using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Storage;
using Vlm.Edge.Tests.Escalations;

namespace Vlm.Edge.Tests.Storage;

public sealed class HistoryTests : IDisposable
{
    private static readonly AskedRow Asked = new("", null, null);
    private readonly TestFiles _files = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private readonly ConcurrentQueue<string> _problems = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void What_was_put_is_there_after_a_restart_part_by_part()
    {
        using (Open(out var history))
        {
            history.PutAnswer("a", "{1}", Asked);
            history.PutCorrection("b", "{2}");
            history.PutFailure("a", "no idea");
            history.PutAnswer("b", "{3}", Asked);
            history.AddEvent(7, "door", "{4}");
            history.AddEvent(8, null, "{5}");
        }

        using var box = Open(out var again);
        Assert.Equal((new HistoryRow("{1}", null, "no idea"), new HistoryRow("{3}", "{2}", null), null), (again.Find("a"), again.Find("b"), again.Find("c")));
        Assert.Equal([(7L, "door", "{4}"), (8L, null, "{5}")], again.LastEvents(5));
        Assert.Empty(_problems);
    }

    [Fact]
    public void Answers_go_when_they_are_too_old_or_too_many()
    {
        var options = new HistoryOptions { Days = 1, Answers = 3 };
        using (Open(out var history, options))
        {
            history.PutAnswer("old", "{}", Asked);
            _time.Advance(TimeSpan.FromHours(25));
            for (var i = 0; i < 2; i++) history.PutAnswer($"{i}", "{}", Asked);
        }
        using (Open(out var history, options))
        {
            Assert.Equal((null, true), (history.Find("old"), history.Find("0") is not null));
            for (var i = 2; i < 5; i++) history.PutAnswer($"{i}", "{}", Asked);
        }

        using var box = Open(out var last, options);
        Assert.Equal([false, false, true, true, true], Enumerable.Range(0, 5).Select(i => last.Find($"{i}") is not null));
    }

    [Fact]
    public void Many_more_than_are_kept_go_at_the_next_start_a_few_at_a_time()
    {
        using (Open(out var history))
        {
            for (var i = 0; i < 230; i++) history.PutAnswer($"{i}", "{}", Asked);
        }

        using var box = Open(out var next, new HistoryOptions { Answers = 10 });
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"{229 - i}"), next.Last(300, null).Select(entry => entry.Id));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_damaged_file_is_put_aside_and_told_and_answers_are_kept_again(bool isOpen)
    {
        var first = Open(out var history);
        // More than SQLite keeps in memory, so that it must read what is on the disk.
        for (var i = 0; i < 20; i++) history.PutAnswer($"{i}", new string('x', 400_000), Asked);
        if (!isOpen) first.Dispose();
        foreach (var file in Directory.GetFiles(_files.File("state"), "box.db*")) Overwrite(file);
        using var box = isOpen ? first : Open(out history);

        history.PutAnswer("new", "{}", Asked);
        if (isOpen) _ = history.Find("3");
        history.PutAnswer("newer", "{}", Asked);

        Assert.Equal("{}", history.Find("newer")!.Answer);
        var aside = Assert.Single(box.PutAsideFolders());
        Assert.True(File.Exists(Path.Combine(aside, "box.db")));
        Assert.Equal(1, box.TimesDamaged);
        await ClientTests.Until(() => _problems.Contains($"aside: {aside}"));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_told_and_nothing_throws()
    {
        File.WriteAllText(_files.File("state"), "a file where the folder should be");
        using var box = Open(out var history);

        history.PutAnswer("a", "{}", Asked);

        Assert.Null(history.Find("a"));
        await ClientTests.Until(() => !_problems.IsEmpty);
        Assert.Contains("a restart would forget answers", _problems.First(), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_processes_cannot_have_it()
    {
        using var box = Open(out _);
        Assert.Equal(StorageFault.Taken, Assert.Throws<StorageException>(() => Open(out _)).Fault);
    }

    [Fact]
    public void A_file_of_a_later_version_is_refused_and_left_alone()
    {
        Open(out _).Dispose();
        using (var file = new SqliteFile(Path.Combine(_files.File("state"), "box.db"), "it", "PRAGMA user_version = 99")) Assert.NotEmpty(file.Name);

        var error = Assert.Throws<StorageException>(() => Open(out _));

        Assert.Equal(StorageFault.Newer, error.Fault);
        Assert.Contains("tables of version 99, known are 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_question_has_who_asked_its_code_its_picture_and_the_last_of_its_reviews()
    {
        var asked = new AskedRow("door", "q x", "picture");
        using (Open(out var history))
        {
            history.PutCorrection("a", "{2}");
            history.PutAnswer("a", "{1}", asked);
            Assert.Equal("a", Assert.Single(history.Unreviewed(5)).Id);
            history.PutReview("a", "{3}");
            history.PutReview("a", "{4}");
        }

        using var box = Open(out var again);
        Assert.Equal(new HistoryRow("{1}", "{2}", null) { Asked = asked, Review = "{4}" }, again.Find("a"));
        Assert.Equal(("a", _time.GetUtcNow()), (Assert.Single(again.Last(5, "door")).Id, again.Last(5, null)[0].Created));
        Assert.Empty(again.Last(5, "gate"));
        Assert.Empty(again.Unreviewed(5));
    }

    [Fact]
    public async Task What_was_wrong_and_is_well_again_is_told()
    {
        File.WriteAllText(_files.File("state"), "a file where the folder should be");
        using var box = Open(out var history);
        history.PutAnswer("a", "{}", Asked);
        File.Delete(_files.File("state"));
        history.PutAnswer("b", "{}", Asked);
        await ClientTests.Until(() => _problems.Contains("fine"));
    }

    private BoxDatabase Open(out History history, HistoryOptions? options = null)
    {
        var box = Bench.Box(_files.File("state"), _time);
        box.Watch(new StorageListener(_problems.Enqueue, _problems.Enqueue, folder => _problems.Enqueue($"aside: {folder}"), () => _problems.Enqueue("fine")));
        try
        {
            history = new History(box, options ?? new HistoryOptions(), _time);
            return box;
        }
        catch
        {
            box.Dispose();
            throw;
        }
    }

    private static void Overwrite(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        var garbage = new byte[file.Length];
        new Random(3).NextBytes(garbage);
        file.Write(garbage);
    }
}
