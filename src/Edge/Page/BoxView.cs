using Vlm.Edge.Answers;
using Vlm.Edge.Escalations;
using Vlm.Edge.Queries;
using Vlm.Edge.Storage;
using Vlm.Hosting;
using Vlm.Text;

namespace Vlm.Edge.Page;

/// <summary>What the page shows, as it was at one moment.</summary>
internal sealed record BoxView
{
    /// <summary>Answers, dead letters and reviews in one list at most: the page stays small.</summary>
    public const int MostAnswers = 20, MostDeadLetters = 20, MostReviews = 6;

    /// <summary>The moment, UTC.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>Who looks: what he may not see is not in here.</summary>
    public required Caller Caller { get; init; }

    /// <summary>What is to be said about the form that was sent; null when none was.</summary>
    public string? Said { get; init; }

    /// <summary>Whether the service was told to end.</summary>
    public bool IsEnding { get; init; }

    /// <summary>What is wrong.</summary>
    public IReadOnlyList<RaisedAlarm> Alarms { get; init; } = [];

    /// <summary>Name and value of what the box runs with.</summary>
    public IReadOnlyList<(string Name, string Value)> Facts { get; init; } = [];

    /// <summary>The last answers, the newest first.</summary>
    public IReadOnlyList<ListedAnswer> Answers { get; init; } = [];

    /// <summary>The oldest dead letters, and how many there are.</summary>
    public (int Total, IReadOnlyList<DeadLetter> Oldest) DeadLetters { get; init; } = (0, []);

    /// <summary>Answers whose picture nobody has reviewed.</summary>
    public IReadOnlyList<ListedAnswer> ToReview { get; init; } = [];

    /// <summary>The cameras, for those who may see pictures or operate: nobody asked for what they see.</summary>
    public IReadOnlyList<ListedCamera> Cameras { get; init; } = [];

    /// <summary>Whether the one who looks has a role.</summary>
    public bool May(Roles role) => Caller.Roles.HasFlag(role);

    /// <summary>Looks at a box.</summary>
    public static BoxView Of(Daemon daemon, Caller caller, bool isEnding)
    {
        var view = new BoxView
        {
            Now = daemon.Clock.GetUtcNow(),
            Caller = caller,
            IsEnding = isEnding,
            Answers = daemon.Memory.Last(MostAnswers, Reader.Of(caller).Only),
            ToReview = caller.Roles.HasFlag(Roles.See) ? daemon.Memory.Unreviewed(MostReviews) : [],
            Cameras = (caller.Roles & (Roles.See | Roles.Operate)) != 0 ? [.. ListCameras(daemon)] : [],
        };
        if (!caller.Roles.HasFlag(Roles.Operate)) return view;
        var (facts, dead) = Queue(daemon);
        return view with
        {
            Alarms = daemon.Alarms.Raised,
            Facts = [.. OwnFacts(daemon), .. facts],
            DeadLetters = dead,
        };
    }

    private static IEnumerable<ListedCamera> ListCameras(Daemon daemon) => daemon.Cameras.Cameras.Select(camera => new ListedCamera(
        camera.Name, camera.Now, daemon.Cameras.Since(camera), daemon.Watching.Watchers.GetValueOrDefault(camera.Name)?.Describe()));

    private static IEnumerable<(string Name, string Value)> OwnFacts(Daemon daemon)
    {
        yield return ("Model", $"{daemon.Model.Name}, {daemon.Model.Precision}");
        yield return ("Runs on", daemon.Model.Placement.Provider.ToLabel());
        yield return ("Answers that are not certain", daemon.Config.Routing.Mode.ToOption());
        yield return ("Certificate", daemon.Drift is { } drift
            ? $"at most {drift.Gate.Certificate.Risk:P1} wrong, {(drift.IsPromiseKept ? "kept so far" : "broken")}"
            : "none: nothing is certain");
        yield return ("Larger model", daemon.LinkState ?? "none: the box works alone");
        yield return ("Calls to it today", $"{daemon.Budget.Now.Calls}");
        yield return ("Questions that wait for this box", $"{daemon.Model.Waiting}");
    }

    /// <summary>What is queued; a database that cannot be read is an alarm already, and no reason to show nothing else.</summary>
    private static (IReadOnlyList<(string Name, string Value)> Facts, (int Total, IReadOnlyList<DeadLetter> Oldest) Dead) Queue(Daemon daemon)
    {
        if (daemon.Queue is not { } queue) return ([], (0, []));
        try
        {
            var stats = queue.Stats();
            var oldest = stats.Waiting == 0 ? "" : $", the oldest for {PageText.Span(stats.OldestAge)}";
            return ([("Questions that wait for the larger model", $"{stats.Waiting}{oldest}")], (stats.Dead, queue.DeadLetters(MostDeadLetters)));
        }
        catch (StorageException)
        {
            return ([("Questions that wait for the larger model", "not known: the database cannot be read")], (0, []));
        }
    }
}
