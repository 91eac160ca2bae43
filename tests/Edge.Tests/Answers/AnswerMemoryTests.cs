using System.Text.Json;
using Vlm.Edge.Answers;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;
using Vlm.Edge.Storage;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Answers;

public sealed class AnswerMemoryTests : IDisposable
{
    private static readonly Scene Scene = Scene.From(new RgbImage(32, 32, [.. Enumerable.Range(0, 32 * 32 * 3).Select(i => (byte)(i % 251))]));
    private static readonly Correction Larger = new("x", "larger", false, EscalationReason.LowConfidence, DateTimeOffset.UnixEpoch);
    private readonly TestFiles _files = new();
    private readonly History _history;
    private readonly AnswerMemory _memory;

    public AnswerMemoryTests()
    {
        _history = new History(_files.File("state"), new HistoryOptions(), TimeProvider.System);
        _memory = new AnswerMemory(new CacheOptions(), _history, TimeProvider.System);
    }

    public void Dispose()
    {
        _history.Dispose();
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
        _memory.Add(told, Scene, "a");
        _memory.Add(Answer("b"), Scene, "b");
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
        _memory.Add(Answer("early"), Scene, "a");

        Assert.Equal((Larger, "early"), (_memory.Find("early")!.Correction, _memory.Find("early")!.Answer!.Id));
    }

    [Fact]
    public void More_answers_than_memory_holds_are_found_in_the_history()
    {
        for (var i = 0; i <= AnswerMemory.Most; i++) _memory.Add(Answer($"{i}"), Scene, "a");

        Assert.Equal(("0", "1000"), (_memory.Find("0")!.Answer!.Id, _memory.Find("1000")!.Answer!.Id));
    }

    [Fact]
    public void Only_certified_answers_and_those_of_the_larger_model_are_given_again()
    {
        _memory.Add(Answer("doubtful"), Scene, "a");
        _memory.Add(Answer("certified") with { IsCertified = true }, Scene, "b");
        _memory.Add(Answer("escalated") with { By = AnsweredBy.Escalation }, Scene, "c");
        _memory.Add(Answer("degraded") with { IsCertified = true, Degraded = DegradedReason.Offline }, Scene, "d");

        Assert.Equal([null, "certified", "escalated", null], ((string[])["a", "b", "c", "d"]).Select(code => _memory.FindSame(Scene, code)?.Id));
    }

    [Fact]
    public void A_question_waits_until_its_correction_and_then_has_an_answer_to_give_again()
    {
        _memory.Add(Answer("first") with { CorrectionId = "first", Degraded = DegradedReason.Queued }, Scene, "a");
        Assert.Equal(("first", null), (_memory.FindPending(Scene, "a"), _memory.FindSame(Scene, "a")?.Id));

        _memory.Correct("first", Larger);
        Assert.Equal((null, "x", AnsweredBy.Escalation),
            (_memory.FindPending(Scene, "a"), _memory.FindSame(Scene, "a")!.Text, _memory.FindSame(Scene, "a")!.By));
    }

    private static Answer Answer(string id) => new() { Id = id, Text = "y", By = AnsweredBy.Edge, Model = "m" };

    /// <summary>As it is kept: lists are equal when their members are.</summary>
    private static string Written(Answer answer) => JsonSerializer.Serialize(answer, AnswerJson.Default.Answer);
}
