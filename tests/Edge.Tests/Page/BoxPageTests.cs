using System.Text;
using System.Text.RegularExpressions;
using Vlm.Edge.Answers;
using Vlm.Edge.Cameras;
using Vlm.Edge.Escalations;
using Vlm.Edge.Messages;
using Vlm.Edge.Page;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;
using Vlm.Edge.Watching;
using Vlm.Hosting;

namespace Vlm.Edge.Tests.Page;

/// <summary>The page as text: what it says, to whom, and that nothing from outside becomes part of it.</summary>
public sealed class BoxPageTests
{
    private const string Hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)>&'";
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(50);

    [Fact]
    public void A_box_that_works_says_so_first()
    {
        var page = BoxPage.Write(View(Roles.All));
        Assert.Contains("<h1 class=\"good\">The box works</h1>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("class=\"alarms\"", page, StringComparison.Ordinal);
        Assert.Contains("None yet.", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("LinkDown", "one thing is wrong")]
    [InlineData("Model", "The box does not answer")]
    public void What_is_wrong_comes_first_with_what_to_do_and_since_when(string kind, string title)
    {
        var alarm = new RaisedAlarm(Enum.Parse<AlarmKind>(kind), "no route to larger", Now.AddMinutes(-7), Now, 3);
        var page = BoxPage.Write(View(Roles.All) with { Alarms = [alarm] });

        Assert.Contains(title, page, StringComparison.Ordinal);
        Assert.Contains("no route to larger", page, StringComparison.Ordinal);
        Assert.Contains(Html.Escape(AlarmAdvice.Of(alarm.Kind)), page, StringComparison.Ordinal);
        Assert.Contains("7 min ago</time>, seen 3 times", page, StringComparison.Ordinal);
        Assert.True(page.IndexOf("no route", StringComparison.Ordinal) < page.IndexOf("Last answers", StringComparison.Ordinal));
    }

    [Fact]
    public void An_answer_is_shown_with_its_confidence_and_who_gave_it_and_what_came_after()
    {
        var answer = new Answer { Id = "a", Text = "cat dog", By = AnsweredBy.Edge, Model = "m", Confidence = 0.613, Degraded = DegradedReason.LocalOnly };
        var correction = new Correction("cot dog", "larger", false, EscalationReason.LowConfidence, Now);
        var page = BoxPage.Write(View(Roles.Ask) with
        {
            Answers =
            [
                Listed(new StoredAnswer("a", answer, null)), Listed(new StoredAnswer("b", answer with { By = AnsweredBy.Escalation }, correction)),
                Listed(new StoredAnswer("c", answer, null, "picture_lost: gone")), Listed(new StoredAnswer("d", null, null)),
            ],
        });

        string[] all =
        [
            "cat dog", "61.3 %", "this box", "not certain: local only", "larger model", "the larger model says: cot dog", "no better answer: picture_lost",
            "not kept",
        ];
        foreach (var said in all) Assert.Contains(said, page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_camera_is_listed_with_state_reason_age_and_its_answer()
    {
        var published = new PublishedState(new Answer { Id = "a", Text = "cat dog", By = AnsweredBy.Edge, Model = "m" }, "q x", Now.AddMinutes(-2));
        var page = BoxPage.Write(View(Roles.Operate) with
        {
            Cameras =
            [
                Camera("door", CameraCondition.Online, CameraReason.None, "", Watched("door") with { Published = published }),
                Camera("yard", CameraCondition.Offline, CameraReason.NotFound, "It answers 404.", Watched("yard") with { IsPaused = true }),
                Camera("gate", CameraCondition.Frozen, CameraReason.Frozen, "No pixel changed.", Watched("gate") with { Message = new(null, "no such file") }),
                Camera("shelf", CameraCondition.Degraded, CameraReason.Dark, "", Watched("shelf") with { Last = (ReadingOutcome.Unsteady, Now) }),
            ],
        });

        string[] all =
        [
            "<strong>online</strong></span>", "4 s old", "<strong>cat dog</strong> to <code>q x</code>,",
            "<strong>offline</strong> (not found): It answers 404.",
            "paused", "<strong>frozen</strong> (frozen)", "no message: no such file", "last look: unsteady", "7 min ago",
        ];
        foreach (var said in all) Assert.Contains(said, page, StringComparison.Ordinal);
    }

    [Fact]
    public void Pictures_of_cameras_are_for_those_who_may_see_pictures_and_come_from_where_masks_are_applied()
    {
        BoxView Cameras(Roles roles) => View(roles) with
        {
            Cameras =
            [
                Camera("door", CameraCondition.Online, CameraReason.None, "", Watched("door")),
                Camera("yard", CameraCondition.Online, CameraReason.None, "", Watched("yard") with { IsPaused = true }),
            ],
        };

        Assert.DoesNotContain("<img", BoxPage.Write(Cameras(Roles.Operate)), StringComparison.Ordinal);
        var page = BoxPage.Write(Cameras(Roles.See));
        Assert.Equal("/api/v1/cameras/door/picture", Assert.Single(Regex.Matches(page, "<img [^>]*src=\"([^\"]*)\"")).Groups[1].Value);
        Assert.DoesNotContain("data:", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_from_outside_is_text_wherever_it_stands()
    {
        var page = BoxPage.Write(Full(Hostile, 2));
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<img src=x", page, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;", page, StringComparison.Ordinal);
        // Whatever is in an attribute, the attribute is closed where the page closes it.
        Assert.All(Regex.Matches(page, "<[a-z][^>]*>"), tag => Assert.Matches("^<[a-z0-9]+( [a-z-]+(=\"[^\"<>]*\")?)*>$", tag.Value));
    }

    [Fact]
    public void It_is_small_also_when_everything_is_long_and_nothing_comes_from_elsewhere()
    {
        var page = BoxPage.Write(Full(new string('x', 4000), 50));
        Assert.InRange(Encoding.UTF8.GetByteCount(page), 10_000, 60_000);
        Assert.DoesNotContain("http", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("//", page, StringComparison.Ordinal);
        Assert.DoesNotMatch("(?i)<script| style=| on[a-z]+=|javascript:|<iframe|@import|url\\(", page);
    }

    [Fact]
    public void It_has_a_language_headers_over_tables_labels_at_fields_and_texts_for_pictures()
    {
        var page = BoxPage.Write(Full("cat", 3));
        Assert.StartsWith("<!doctype html>\n<html lang=\"en\">", page.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Single(Regex.Matches(page, "<h1"));
        Assert.All(Regex.Matches(page, "<table.*?</table>", RegexOptions.Singleline), table =>
            Assert.Contains("<th scope=", table.Value, StringComparison.Ordinal));
        Assert.All(Regex.Matches(page, "<input id=\"([^\"]+)\""), input =>
            Assert.Contains($"<label for=\"{input.Groups[1].Value}\">", page, StringComparison.Ordinal));
        Assert.All(Regex.Matches(page, "<input (?!id=)[^>]*>"), input => Assert.Contains("type=\"hidden\"", input.Value, StringComparison.Ordinal));
        Assert.All(Regex.Matches(page, "<img [^>]*>"), picture => Assert.Contains(" alt=\"", picture.Value, StringComparison.Ordinal));
        Assert.All(Regex.Matches(page, "<section aria-labelledby=\"([^\"]+)\""), section =>
            Assert.Contains($"<h2 id=\"{section.Groups[1].Value}\">", page, StringComparison.Ordinal));
        Assert.Contains("prefers-color-scheme:dark", page, StringComparison.Ordinal);
        Assert.Contains("width=device-width", page, StringComparison.Ordinal);
    }

    private static BoxView View(Roles roles) => new() { Now = Now, Caller = new Caller("door", roles) };

    private static ListedCamera Camera(string name, CameraCondition condition, CameraReason reason, string detail, WatcherState watched)
    {
        var frame = new Frame(name, new byte[1], 0, Now, 1, 1, FrameIntegrity.Intact);
        var view = new CameraView(new CameraState(condition, reason), detail, TimeSpan.FromSeconds(4), frame, new CameraCounts(1, 0, 0, 1));
        return new ListedCamera(name, view, Now.AddMinutes(-7), watched);
    }

    private static WatcherState Watched(string name) => new(name, false, new MessageNow("q x"), null, null, TimeSpan.Zero);

    private static ListedAnswer Listed(StoredAnswer stored) => new(stored, Now.AddMinutes(-3), "q x");

    /// <summary>A page on which everything says the same.</summary>
    private static BoxView Full(string text, int each)
    {
        var id = PageText.Short(text);
        var answer = new Answer { Id = id, Text = text, By = AnsweredBy.Edge, Model = text, DegradedDetail = text };
        var listed = new ListedAnswer(new StoredAnswer(id, answer, null, text), Now, text);
        var reviewed = new ListedAnswer(new StoredAnswer(id, answer, null) { Review = new Review(text, text, false, Now) }, Now, text);
        var dead = new DeadLetter(new QueueEntry(id, text, 7, text, Now, text, EscalationReason.Always, 1), text, text);
        return new BoxView
        {
            Now = Now,
            Caller = new Caller(PageText.Short(text), Roles.All),
            Said = PageText.Short(text),
            Alarms = [.. Enum.GetValues<AlarmKind>().Select(kind => new RaisedAlarm(kind, text, Now, Now, 1))],
            Facts = [("Model", PageText.Short(text))],
            Answers = [.. Enumerable.Range(0, Math.Min(each, BoxView.MostAnswers)).Select(i => i % 2 == 0 ? listed : reviewed)],
            DeadLetters = (7000, [.. Enumerable.Repeat(dead, Math.Min(each, BoxView.MostDeadLetters))]),
            ToReview = [.. Enumerable.Repeat(listed, Math.Min(each, BoxView.MostReviews))],
            Cameras = [.. Enumerable.Repeat(Camera("door", CameraCondition.Offline, CameraReason.Html, text, Watched("door") with
            {
                Message = new MessageNow(null, text),
            }), Math.Min(each, 8))],
        };
    }
}
