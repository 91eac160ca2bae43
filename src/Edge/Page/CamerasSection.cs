using Vlm.Edge.Cameras;
using Vlm.Edge.Watching;
using Vlm.Hosting;
using Vlm.Text;

namespace Vlm.Edge.Page;

/// <summary>A camera as the page lists it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="View">How it is now: what metrics, events and the broker say follows from the same.</param>
/// <param name="Since">Since when it is so, UTC.</param>
/// <param name="Watched">What is made of its pictures; null where nothing is.</param>
internal sealed record ListedCamera(string Name, CameraView View, DateTimeOffset Since, WatcherState? Watched)
{
    /// <summary>Whether there is a picture that may be shown: none while it is paused.</summary>
    public bool HasPicture => View.Newest is not null && Watched is { IsPaused: false };
}

/// <summary>What the cameras of the box do. Pictures come from the address that covers what is masked, and only for those who may see pictures.</summary>
internal static class CamerasSection
{
    private static readonly string[] Columns = ["Camera", "State", "Since", "Newest picture", "Last answer"];

    public static Html Write(BoxView view)
    {
        if (view.Cameras.Count == 0) return Html.None;
        var columns = view.May(Roles.See) ? [.. Columns, "Picture"] : Columns;
        return Html.Of($"""
            <section aria-labelledby="cameras"><h2 id="cameras">Cameras</h2>
            {Html.List(columns, view.Cameras.Select(camera => Row(camera, view)))}</section>

            """);
    }

    private static Html Row(ListedCamera camera, BoxView view) => Html.Of($"""
        <tr><td data-label="Camera">{camera.Name}</td>
        <td data-label="State"><span><strong>{Words(camera.View.State.Condition.ToLabel())}</strong>{Why(camera.View)}</span></td>
        <td data-label="Since">{PageText.When(camera.Since, view.Now)}</td>
        <td data-label="Newest picture">{(camera.View.Age is { } age ? $"{PageText.Span(age)} old" : "none yet")}</td>
        <td data-label="Last answer">{Answer(camera.Watched, view)}</td>{Picture(camera, view)}</tr>
        """);

    private static string Why(CameraView view) => view.State.Reason == CameraReason.None
        ? ""
        : $" ({Words(view.State.Reason.ToLabel())}){(view.Detail.Length == 0 ? "" : $": {PageText.Sentence(view.Detail)}")}";

    private static Html Answer(WatcherState? watched, BoxView view) => watched switch
    {
        null => Html.None,
        { IsPaused: true } => Html.Of($"paused"),
        { Published: { } published } => Html.Of($"""
            <span><strong>{PageText.Answer(published.Answer)}</strong> to <code>{PageText.Short(published.Code)}</code>,
            {PageText.When(published.At, view.Now)}</span>
            """),
        { Message.Problem: { } problem } => Html.Of($"no message: {PageText.Short(problem)}"),
        { Message.Code: null } => Html.Of($"no message, so nothing is read"),
        { Last: { } last } => Html.Of($"<span>none; last look: {Words(last.Outcome.ToLabel())}, {PageText.When(last.At, view.Now)}</span>"),
        _ => Html.Of($"none yet"),
    };

    private static Html Picture(ListedCamera camera, BoxView view)
    {
        if (!view.May(Roles.See)) return Html.None;
        var picture = camera.HasPicture
            ? Html.Of($"""<img class="small" src="/api/v1/cameras/{camera.Name}/picture" alt="What {camera.Name} sees" loading="lazy">""")
            : Html.Of($"none");
        return Html.Of($"""<td data-label="Picture">{picture}</td>""");
    }

    private static string Words(string label) => label.Replace('_', ' ');
}
