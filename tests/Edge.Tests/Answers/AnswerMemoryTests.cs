using System.Text;
using System.Text.Json;
using Vlm.Cryptogram;
using Vlm.Edge.Answers;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;
using Vlm.Edge.Storage;
using Vlm.Edge.Tests.Escalations;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Answers;

public sealed class AnswerMemoryTests : IDisposable
{
    private static readonly Scene Scene = Scene.From(new RgbImage(32, 32, [.. Enumerable.Range(0, 32 * 32 * 3).Select(i => (byte)(i % 251))]));
    private static readonly Correction Larger = new("x", "larger", false, EscalationReason.LowConfidence, DateTimeOffset.UnixEpoch);
    private readonly TestFiles _files = new();
    private readonly BoxDatabase _box;
    private readonly History _history;
    private readonly AnswerMemory _memory;

    public AnswerMemoryTests()
    {
        _box = Bench.Box(_files.File("state"), TimeProvider.System);
        _history = new History(_box, new HistoryOptions(), TimeProvider.System);
        _memory = new AnswerMemory(new CacheOptions(), _history, TimeProvider.System);
    }

    public void Dispose()
    {
        _box.Dispose();
        _files.Dispose();
    }

    [Fact]
    public void What_was_told_outlives_a_restart_and_is_corrected_after_it()
    {
        var told = Answer("a") with
        {
            Confidence = 0.25,
            CorrectionId = "a",
            Degraded = DegradedReason.Queued,
            Timings = new AnswerTimings { Total = TimeSpan.FromMilliseconds(12.5) }
        };
        _memory.Add(told, Scene, Asked("a"));
        _memory.Add(Answer("b"), Scene, Asked("b"));
        _memory.Fail("b", "bad_answer: no idea");

        var again = new AnswerMemory(new CacheOptions(), _history, TimeProvider.System);
        var (kept, failed) = (again.Find("a")!, again.Find("b")!);
        Assert.Equal((Written(told), null, null), (Written(kept.Answer!), kept.Correction, kept.Failure));
        Assert.Equal((Written(Answer("b")), "bad_answer: no idea"), (Written(failed.Answer!), failed.Failure));
        again.Correct("a", Larger);
        Assert.Equal((Written(told), Larger), (Written(again.Find("a")!.Answer!), again.Find("a")!.Correction));
        Assert.Null(again.Find("c"));
    }

    [Fact]
    public void A_correction_may_come_before_its_answer()
    {
        _memory.Correct("early", Larger);
        _memory.Add(Answer("early"), Scene, Asked("a"));

        Assert.Equal((Larger, "early"), (_memory.Find("early")!.Correction, _memory.Find("early")!.Answer!.Id));
    }

    [Fact]
    public void More_answers_than_memory_holds_are_found_in_the_history()
    {
        for (var i = 0; i <= AnswerMemory.Most; i++) _memory.Add(Answer($"{i}"), Scene, Asked("a"));

        Assert.Equal(("0", "1000"), (_memory.Find("0")!.Answer!.Id, _memory.Find("1000")!.Answer!.Id));
    }

    [Fact]
    public void Only_certified_answers_and_those_of_the_larger_model_are_given_again()
    {
        _memory.Add(Answer("doubtful"), Scene, Asked("a"));
        _memory.Add(Answer("certified") with { IsCertified = true }, Scene, Asked("b"));
        _memory.Add(Answer("escalated") with { By = AnsweredBy.Escalation }, Scene, Asked("c"));
        _memory.Add(Answer("degraded") with { IsCertified = true, Degraded = DegradedReason.Offline }, Scene, Asked("d"));

        Assert.Equal([null, "certified", "escalated", null], ((string[])["a", "b", "c", "d"]).Select(code => _memory.FindSame(Scene, code)?.Id));
    }

    [Fact]
    public void A_question_waits_until_its_correction_and_then_has_an_answer_to_give_again()
    {
        _memory.Add(Answer("first") with { CorrectionId = "first", Degraded = DegradedReason.Queued }, Scene, Asked("a"));
        Assert.Equal(("first", null), (_memory.FindPending(Scene, Asked("a")), _memory.FindSame(Scene, "a")?.Id));

        _memory.Correct("first", Larger);
        Assert.Equal((null, "x", AnsweredBy.Escalation),
            (_memory.FindPending(Scene, Asked("a")), _memory.FindSame(Scene, "a")!.Text, _memory.FindSame(Scene, "a")!.By));
    }

    [Fact]
    public void A_question_that_another_key_has_asked_waits_for_that_key_alone()
    {
        _memory.Add(Answer("first") with { CorrectionId = "first", Degraded = DegradedReason.Queued }, Scene, new Asked("door", "a"));

        Assert.Equal("first", _memory.FindPending(Scene, new Asked("door", "a")));
        Assert.Null(_memory.FindPending(Scene, new Asked("gate", "a")));
        Assert.Equal("door", _memory.Find("first")!.AskedBy);
    }

    [Fact]
    public void The_last_answers_are_listed_for_all_and_for_one_key()
    {
        foreach (var (id, by) in ((string, string)[])[("1", "door"), ("2", "gate"), ("3", "door")]) _memory.Add(Answer(id), Scene, new Asked(by, $"code {id}"));
        _memory.Correct("early", Larger);

        Assert.Equal(["3", "2", "1"], _memory.Last(10, null).Select(listed => listed.Stored.Id));
        Assert.Equal(["3", "1"], _memory.Last(10, "door").Select(listed => listed.Stored.Id));
        Assert.Equal(("code 3", "door"), (_memory.Last(1, null)[0].Code, _memory.Last(1, null)[0].Stored.AskedBy));
        Assert.Empty(_memory.Unreviewed(10));
    }

    [Fact]
    public void A_row_that_cannot_be_understood_is_unknown_and_nothing_throws()
    {
        var good = Encoding.UTF8.GetBytes(Written(Answer("a") with { Confidence = 0.5, Status = AnswerStatus.Answered, Unseen = ['x'] }));
        foreach (var (bytes, i) in Mutations.Of(good, 500, seed: 12).Select((bytes, i) => (bytes, i)))
        {
            _history.PutAnswer($"{i}", Encoding.UTF8.GetString(bytes), new AskedRow("", "x", null));
            _history.PutCorrection($"{i}", Encoding.UTF8.GetString(bytes));
            _ = _memory.Find($"{i}");
        }
        _memory.Add(Answer("fine"), Scene, Asked("a"));
        Assert.Contains("fine", _memory.Last(600, null).Select(listed => listed.Stored.Id));
    }

    private static Asked Asked(string code) => new("", code);

    private static Answer Answer(string id) => new() { Id = id, Text = "y", By = AnsweredBy.Edge, Model = "m" };

    /// <summary>As it is kept: lists are equal when their members are.</summary>
    private static string Written(Answer answer) => JsonSerializer.Serialize(answer, AnswerJson.Default.Answer);
}
