using Vlm.Edge.Cameras;
using Vlm.Edge.Queries;
using Vlm.Text;

namespace Vlm.Edge;

/// <summary>What happens when a camera goes down or comes back: an event for each, and one alarm while any is down.</summary>
/// <remarks>Not thread-safe; the loop that looks at the cameras calls it.</remarks>
internal sealed class CameraReports(EventStream events, Alarms alarms)
{
    private readonly SortedDictionary<string, string> _down = new(StringComparer.Ordinal);

    public void Take(CameraNews news)
    {
        var (state, reason) = (news.View.State.Condition.ToLabel(), news.View.State.Reason.ToLabel());
        var wasDown = _down.ContainsKey(news.Camera);
        if (news.IsDown) _down[news.Camera] = $"{news.Camera} is {state} ({reason})";
        else _down.Remove(news.Camera);
        if (news.IsGone && !wasDown) return;
        if (_down.Count == 0) alarms.Clear(AlarmKind.CameraDown);
        else alarms.Raise(AlarmKind.CameraDown, $"No new pictures come: {string.Join(", ", _down.Values)}");
        if (news.IsGone) return;
        events.Publish(news.IsDown
            ? new EdgeEvent.CameraDown(news.Camera, state, reason, news.View.Detail, news.Since)
            : new EdgeEvent.CameraUp(news.Camera, state, news.Since));
    }
}
