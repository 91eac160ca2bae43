using Vlm.Edge.Answers;
using Vlm.Edge.Queries;
using Vlm.Hosting;

namespace Vlm.Edge.Page;

/// <summary>The page of the box: whether it works, what to do if not, and what people decide. Pure; works without script.</summary>
internal static class BoxPage
{
    /// <summary>Where forms about dead letters and reviews go.</summary>
    public const string DeadLettersPath = "/dead-letters", ReviewsPath = "/reviews";

    /// <summary>What their fields and values are called.</summary>
    public const string Id = "id", Act = "act", Resend = "resend", Drop = "drop", Answer = "answer";

    /// <summary>The sections in their order. One that has nothing to say to the one who looks is empty.</summary>
    private static readonly Func<BoxView, Html>[] Sections = [Headline, DeadLetters, Reviews, CamerasSection.Write, Answers, Facts];

    /// <summary>The whole page.</summary>
    public static string Write(BoxView view) => Html.Of($"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{Title(view)}</title>
        <style>{new Html(PageStyle.Css)}</style>
        </head>
        <body>
        <main>
        {Html.Join(Sections.Select(section => section(view)))}
        </main>
        </body>
        </html>

        """).Text;

    private static string Title(BoxView view) => view switch
    {
        { IsEnding: true } => "The box is stopping",
        { Alarms: [] } when view.May(Roles.Operate) => "The box works",
        { Alarms: [] } => "The box answers",
        { Alarms: var alarms } when alarms.Any(alarm => alarm.Kind == AlarmKind.Model) => "The box does not answer",
        { Alarms.Count: 1 } => "The box answers, but one thing is wrong",
        _ => $"The box answers, but {view.Alarms.Count} things are wrong",
    };

    private static Html Headline(BoxView view)
    {
        var said = view.Said is { } text ? Html.Of($"""<p class="said" role="status">{text}</p>""") : Html.None;
        var alarms = view.Alarms.Count == 0 ? Html.None : Html.Of($"""<ul class="alarms">{Html.Join(view.Alarms.Select(alarm => Alarm(alarm, view)))}</ul>""");
        var who = view.Caller.Name.Length == 0 ? "" : $" for the key {view.Caller.Name}";
        return Html.Of($"""
            {said}<h1 class="{(view.Alarms.Count == 0 && !view.IsEnding ? "good" : "bad")}">{Title(view)}</h1>
            <p class="soft">As it was at {view.Now.UtcDateTime.ToString("HH:mm:ss 'UTC'")}{who}. <a href="/">Look again</a></p>
            {alarms}
            """);
    }

    private static Html Alarm(RaisedAlarm alarm, BoxView view) => Html.Of($"""
        <li><strong>{PageText.Sentence(alarm.Message)}</strong>
        <p>{AlarmAdvice.Of(alarm.Kind)}</p>
        <p class="soft">Began {PageText.When(alarm.Since, view.Now)}, seen {(alarm.Times == 1 ? "once" : $"{alarm.Times} times")}</p></li>
        """);

    private static Html Facts(BoxView view)
    {
        if (view.Facts.Count == 0) return Html.None;
        var rows = view.Facts.Select(fact => Html.Of($"""<tr><th scope="row">{fact.Name}</th><td>{fact.Value}</td></tr>"""));
        return Html.Of($"""
            <section aria-labelledby="facts"><h2 id="facts">What it runs with</h2>
            <table class="facts"><tbody>{Html.Join(rows)}</tbody></table></section>

            """);
    }

    private static Html Answers(BoxView view)
    {
        if (view.Answers.Count == 0)
            return Html.Of($"""<section aria-labelledby="answers"><h2 id="answers">Last answers</h2><p>None yet.</p></section>""");
        return Html.Of($"""
            <section aria-labelledby="answers"><h2 id="answers">Last answers</h2>
            {Html.List(["When", "Code", "Answer", "Confidence", "Given by", "Standing"], view.Answers.Select(listed => Row(listed, view)))}</section>

            """);
    }

    private static Html Row(ListedAnswer listed, BoxView view) => Html.Of($"""
        <tr><td data-label="When">{PageText.When(listed.At, view.Now)}</td><td data-label="Code"><code>{PageText.Short(listed.Code ?? "")}</code></td>
        <td data-label="Answer"><strong>{PageText.Answer(listed.Stored.Answer)}</strong></td>
        <td data-label="Confidence">{PageText.Confidence(listed.Stored.Answer)}</td>
        <td data-label="Given by">{PageText.By(listed.Stored.Answer)}</td><td data-label="Standing">{PageText.Standing(listed.Stored)}</td></tr>
        """);

    private static Html DeadLetters(BoxView view)
    {
        var (total, oldest) = view.DeadLetters;
        if (total == 0) return Html.None;
        var rows = oldest.Select(dead => Html.Of($"""
            <tr><td data-label="Asked">{PageText.When(dead.Entry.Created, view.Now)}</td>
            <td data-label="Code"><code>{PageText.Short(dead.Entry.Code)}</code></td>
            <td data-label="This box says">{PageText.Short(dead.Entry.LocalAnswer ?? "nothing")}</td>
            <td data-label="Why">{PageText.Sentence($"{dead.Reason.Replace('_', ' ')}: {dead.Detail}")}</td>
            <td data-label="Decide" class="act">{Decide(dead.Entry.Id)}</td></tr>
            """));
        var shown = total > oldest.Count ? $"The oldest {oldest.Count} of {total} are shown. " : "";
        return Html.Of($"""
            <section aria-labelledby="dead"><h2 id="dead">Questions that the larger model was asked in vain</h2>
            <p class="soft">{shown}Mend the cause, then send them again; or drop them, and their pictures go.</p>
            {Html.List(["Asked", "Code", "This box says", "Why", "Decide"], rows)}
            <details><summary>All {total} of them</summary><p>{Decide(null)}</p></details></section>

            """);
    }

    /// <param name="id">Of a dead letter; null for all.</param>
    private static Html Decide(string? id)
    {
        var which = id is null ? Html.None : Html.Of($"""<input type="hidden" name="{Id}" value="{id}">""");
        var all = id is null ? " all" : "";
        return Html.Of($"""
            <form method="post" action="{DeadLettersPath}">{which}<button name="{Act}" value="{Resend}">Send{all} again</button>
            <button name="{Act}" value="{Drop}" class="drop">Drop{all}</button></form>
            """);
    }

    private static Html Reviews(BoxView view)
    {
        if (view.ToReview.Count == 0) return Html.None;
        var cards = view.ToReview.Select((listed, i) => Html.Of($"""
            <figure>
            <img src="/api/v1/answers/{listed.Stored.Id}/picture" alt="Picture of the question of {PageText.Span(view.Now - listed.At)} ago" loading="lazy">
            <figcaption><p>Code <code>{PageText.Short(listed.Code ?? "")}</code>, answered: <strong>{PageText.Answer(listed.Stored.Answer)}</strong></p>
            <form method="post" action="{ReviewsPath}"><input type="hidden" name="{Id}" value="{listed.Stored.Id}">
            <label for="review-{i}">What does it say?</label>
            <input id="review-{i}" name="{Answer}" required maxlength="200" autocomplete="off" autocapitalize="off" spellcheck="false">
            <button>Keep</button></form>
            </figcaption></figure>
            """));
        return Html.Of($"""
            <section aria-labelledby="reviews"><h2 id="reviews">Pictures to review</h2>
            <p class="soft">The box does not vouch for these answers. Write what the sheet says: letters, spaces, and ? for letters that it does not show.</p>
            <div class="cards">{Html.Join(cards)}</div></section>

            """);
    }
}
