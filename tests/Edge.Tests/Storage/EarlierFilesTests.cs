using Vlm.Edge.Escalations;
using Vlm.Edge.Storage;
using Vlm.Edge.Tests.Escalations;

namespace Vlm.Edge.Tests.Storage;

/// <summary>What a box of an earlier version left on its disk, in two databases, is in the one after the start.</summary>
public sealed class EarlierFilesTests : IDisposable
{
    private const string Answers = """
        CREATE TABLE answers(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, answer TEXT, correction TEXT,
          failure TEXT) STRICT;
        INSERT INTO answers(id, created, answer, correction) VALUES('a', 2524608000000, '{1}', '{2}');
        """;

    private const string Queue = """
        CREATE TABLE escalations(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, picture TEXT NOT NULL, bytes INTEGER NOT NULL,
          code TEXT NOT NULL, created INTEGER NOT NULL, local_answer TEXT, reason TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
          leased_until INTEGER NOT NULL DEFAULT 0, not_before INTEGER NOT NULL DEFAULT 0, dead_reason TEXT, dead_detail TEXT, boot TEXT NOT NULL DEFAULT '',
          stamp INTEGER NOT NULL DEFAULT 0, is_dated INTEGER NOT NULL DEFAULT 1) STRICT;
        INSERT INTO escalations(id, picture, bytes, code, created, local_answer, reason, attempts, leased_until)
          VALUES('waits', 'PICTURE', 7, 'q x', 2524608000000, 'cot', 'LowConfidence', 2, 99999999999999);
        INSERT INTO escalations(id, picture, bytes, code, created, reason, dead_reason, dead_detail)
          VALUES('dead', 'PICTURE', 7, 'q y', 2524608000000, 'Audit', 'bad_answer', 'rubbish');
        """;

    private readonly TestFiles _files = new();

    public void Dispose() => _files.Dispose();

    private string State => _files.File("state");

    private string Waiting => _files.File("queue");

    [Fact]
    public void Answers_and_their_events_are_taken_over_once_and_the_rest_goes_on_from_there()
    {
        Write(State, "answers.db", Answers + """
            CREATE TABLE events(number INTEGER PRIMARY KEY, happened TEXT NOT NULL) STRICT;
            CREATE TABLE reviews(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, created INTEGER NOT NULL, review TEXT NOT NULL) STRICT;
            INSERT INTO events VALUES(41, '{4}');
            INSERT INTO reviews(id, created, review) VALUES('a', 2524608000000, '{3}');
            """);

        for (var start = 0; start < 2; start++)
        {
            using var box = Bench.Box(State, TimeProvider.System, Waiting);
            var history = new History(box, new HistoryOptions { Days = 3650 }, TimeProvider.System);
            Assert.Equal(new HistoryRow("{1}", "{2}", null) { Review = "{3}" }, history.Find("a"));
            Assert.Equal([(41L, "", "{4}")], history.LastEvents(5));
        }

        Assert.Equal(["answers.db.taken-over", "box.db"], Names(State));
    }

    [Fact]
    public void The_oldest_form_of_the_answers_is_read()
    {
        Write(State, "answers.db", Answers);
        using var box = Bench.Box(State, TimeProvider.System);
        Assert.Equal("{1}", new History(box, new HistoryOptions { Days = 3650 }, TimeProvider.System).Find("a")!.Answer);
    }

    [Fact]
    public void What_waited_is_sent_dead_letters_stay_and_nothing_comes_twice()
    {
        var picture = new PictureStore(Path.Combine(Waiting, "pictures")).Keep(Bench.Picture);
        Write(Waiting, "queue.db", Queue.Replace("PICTURE", picture, StringComparison.Ordinal));
        File.WriteAllBytes(Path.Combine(Waiting, "reserve"), new byte[100]);

        for (var start = 0; start < 2; start++)
        {
            using var box = Bench.Box(State, TimeProvider.System, Waiting);
            using var queue = Open(box);
            if (start == 1)
            {
                Assert.Empty(queue.Lease(5));
                continue;
            }
            var leased = Assert.Single(queue.Lease(5));
            Assert.Equal(("waits", "q x", "cot", 2), (leased.Escalation.Id, leased.Escalation.Code, leased.Escalation.LocalAnswer, leased.Attempts));
            Assert.Equal(Bench.Picture, leased.Escalation.Picture);
            Assert.Equal(("dead", "bad_answer"), (Assert.Single(queue.DeadLetters(5)).Entry.Id, queue.DeadLetters(5)[0].Reason));
            queue.Complete("waits");
        }

        Assert.Equal(["pictures", "queue.db.taken-over"], Names(Waiting));
    }

    [Fact]
    public void After_a_kill_between_the_copy_and_the_new_name_it_is_copied_again_without_a_row_twice()
    {
        Write(State, "answers.db", Answers);
        using (var box = Bench.Box(State, TimeProvider.System)) _ = new History(box, new HistoryOptions { Days = 3650 }, TimeProvider.System);
        File.Move(Path.Combine(State, "answers.db.taken-over"), Path.Combine(State, "answers.db"));

        using var again = Bench.Box(State, TimeProvider.System);

        Assert.Single(new History(again, new HistoryOptions { Days = 3650 }, TimeProvider.System).Last(5, null));
    }

    [Fact]
    public void A_damaged_one_is_left_under_another_name_and_harms_nothing()
    {
        Directory.CreateDirectory(State);
        File.WriteAllBytes(Path.Combine(State, "answers.db"), [.. Enumerable.Repeat((byte)7, 9000)]);

        using var box = Bench.Box(State, TimeProvider.System);
        var history = new History(box, new HistoryOptions(), TimeProvider.System);
        history.PutAnswer("new", "{}", new AskedRow("", null, null));

        Assert.Equal(("{}", 0), (history.Find("new")!.Answer, box.TimesDamaged));
        Assert.Contains("answers.db.damaged", Names(State));
    }

    private static EscalationQueue Open(BoxDatabase box) =>
        new(box, new QueueOptions { Folder = box.Folders.Waiting!, MaxAgeHours = 8760 }, Bench.Around(new EscalationMeters(), TimeProvider.System));

    private static string[] Names(string folder) =>
        [.. Directory.GetFileSystemEntries(folder).Select(path => Path.GetFileName(path)).Where(name => name != "reserve").Order(StringComparer.Ordinal)];

    private static void Write(string folder, string name, string rows)
    {
        Directory.CreateDirectory(folder);
        using var file = new SqliteFile(Path.Combine(folder, name), "an earlier file", rows);
        Assert.NotEmpty(file.Name);
    }
}
