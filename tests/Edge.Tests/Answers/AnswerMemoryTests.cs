using Vlm.Edge.Answers;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Answers;

public sealed class AnswerMemoryTests
{
    private static readonly Scene Scene = Scene.From(new RgbImage(32, 32, [.. Enumerable.Range(0, 32 * 32 * 3).Select(i => (byte)(i % 251))]));
    private static readonly Correction Larger = new("x", "larger", false, EscalationReason.LowConfidence, DateTimeOffset.UnixEpoch);
    private readonly AnswerMemory _memory = new(new CacheOptions(), TimeProvider.System);

    [Fact]
    public void A_correction_may_come_before_its_answer()
    {
        _memory.Correct("early", Larger);
        _memory.Add(Answer("early"), Scene, "a");

        Assert.Equal((Larger, "early"), (_memory.Find("early")!.Correction, _memory.Find("early")!.Answer!.Id));
    }

    [Fact]
    public void The_oldest_answers_are_forgotten()
    {
        for (var i = 0; i <= AnswerMemory.Most; i++) _memory.Add(Answer($"{i}"), Scene, "a");

        Assert.Null(_memory.Find("0"));
        Assert.NotNull(_memory.Find("1"));
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
}
