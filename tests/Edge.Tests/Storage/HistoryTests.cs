using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Storage;
using Vlm.Edge.Tests.Escalations;

namespace Vlm.Edge.Tests.Storage;

public sealed class HistoryTests : IDisposable
{
    private readonly TestFiles _files = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private readonly ConcurrentQueue<string> _problems = new();

    private string Database => Path.Combine(_files.File("state"), "answers.db");

    public void Dispose() => _files.Dispose();

    [Fact]
    public void What_was_put_is_there_after_a_restart_part_by_part()
    {
        using (var history = Open())
        {
            history.PutAnswer("a", "{1}");
            history.PutCorrection("b", "{2}");
            history.PutFailure("a", "no idea");
            history.PutAnswer("b", "{3}");
            history.AddEvent(7, "{4}");
        }

        using var again = Open();
        Assert.Equal((new HistoryRow("{1}", null, "no idea"), new HistoryRow("{3}", "{2}", null), null), (again.Find("a"), again.Find("b"), again.Find("c")));
        Assert.Equal([(7L, "{4}")], again.LastEvents(5));
        Assert.Empty(_problems);
    }

    [Fact]
    public void Answers_go_when_they_are_too_old_or_too_many()
    {
        var options = new HistoryOptions { Days = 1, Answers = 3 };
        using (var history = Open(options))
        {
            history.PutAnswer("old", "{}");
            _time.Advance(TimeSpan.FromHours(25));
            for (var i = 0; i < 2; i++) history.PutAnswer($"{i}", "{}");
        }
        using (var history = Open(options))
        {
            Assert.Equal((null, true), (history.Find("old"), history.Find("0") is not null));
            for (var i = 2; i < 5; i++) history.PutAnswer($"{i}", "{}");
        }

        using var last = Open(options);
        Assert.Equal([false, false, true, true, true], Enumerable.Range(0, 5).Select(i => last.Find($"{i}") is not null));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_damaged_file_is_put_aside_and_told_and_answers_are_kept_again(bool isOpen)
    {
        var first = Open();
        // More than SQLite keeps in memory, so that it must read what is on the disk.
        for (var i = 0; i < 20; i++) first.PutAnswer($"{i}", new string('x', 400_000));
        if (!isOpen) first.Dispose();
        foreach (var file in Directory.GetFiles(_files.File("state"), "answers.db*")) Overwrite(file);
        using var history = isOpen ? first : Open();

        history.PutAnswer("new", "{}");
        if (isOpen) _ = history.Find("3");
        history.PutAnswer("newer", "{}");

        Assert.Equal("{}", history.Find("newer")!.Answer);
        await ClientTests.Until(() => !_problems.IsEmpty);
        Assert.Contains("is damaged", _problems.First(), StringComparison.Ordinal);
        Assert.True(File.Exists(Database + ".damaged"));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_told_and_nothing_throws()
    {
        File.WriteAllText(_files.File("state"), "a file where the folder should be");
        using var history = Open();

        history.PutAnswer("a", "{}");

        Assert.Null(history.Find("a"));
        await ClientTests.Until(() => !_problems.IsEmpty);
        Assert.Contains("a restart would forget answers", _problems.First(), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_processes_cannot_have_it()
    {
        using var history = Open();
        Assert.Equal(StorageFault.Taken, Assert.Throws<StorageException>(() => Open()).Fault);
    }

    [Fact]
    public void A_question_has_its_code_its_picture_and_the_last_of_its_reviews()
    {
        using (var history = Open())
        {
            history.PutCorrection("a", "{2}");
            history.PutAnswer("a", "{1}", "q x", "picture");
            history.PutReview("a", "{3}");
            history.PutReview("a", "{4}");
        }

        using var again = Open();
        Assert.Equal(new HistoryRow("{1}", "{2}", null) { Code = "q x", Picture = "picture", Review = "{4}" }, again.Find("a"));
    }

    [Fact]
    public void A_file_of_an_earlier_version_is_read_and_gets_what_it_lacks()
    {
        Directory.CreateDirectory(_files.File("state"));
        using (var earlier = new SqliteFile(Database, "the answers", """
            CREATE TABLE answers(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, answer TEXT, correction TEXT,
              failure TEXT) STRICT;
            INSERT INTO answers(id, created, answer) VALUES('a', 2524608000000, '{1}');
            """))
        {
            // As it was left.
        }

        using var history = Open();
        Assert.Equal(new HistoryRow("{1}", null, null), history.Find("a"));
        history.PutAnswer("b", "{2}", "q x");
        Assert.Equal("q x", history.Find("b")!.Code);
        Assert.Empty(_problems);
    }

    [Fact]
    public async Task What_was_wrong_and_is_well_again_is_told()
    {
        File.WriteAllText(_files.File("state"), "a file where the folder should be");
        using var history = Open();
        history.PutAnswer("a", "{}");
        File.Delete(_files.File("state"));
        history.PutAnswer("b", "{}");
        await ClientTests.Until(() => _problems.Contains("fine"));
    }

    private History Open(HistoryOptions? options = null)
    {
        var history = new History(_files.File("state"), options ?? new HistoryOptions(), _time);
        history.Watch(new HistoryListener(_problems.Enqueue, _problems.Enqueue, () => _problems.Enqueue("fine")));
        return history;
    }

    private static void Overwrite(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        var garbage = new byte[file.Length];
        new Random(3).NextBytes(garbage);
        file.Write(garbage);
    }
}
