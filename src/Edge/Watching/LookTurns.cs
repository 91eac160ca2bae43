using Vlm.Edge.Cameras;
using Vlm.Edge.Scenes;

namespace Vlm.Edge.Watching;

/// <summary>A frame that waits to be looked at.</summary>
/// <param name="Frame">The frame.</param>
/// <param name="Code">The message to read it with.</param>
/// <param name="Round">Of the camera: goes up with every change, so that a reading of an earlier scene is known as such.</param>
/// <param name="Reason">Why it is looked at.</param>
internal sealed record WantedLook(Frame Frame, string Code, long Round, LookReason Reason);

/// <summary>A look whose turn it is.</summary>
/// <param name="Look">The look.</param>
/// <param name="Waited">Since the camera first wanted one.</param>
internal sealed record DueLook(WantedLook Look, TimeSpan Waited);

/// <summary>
/// Whose frame is looked at next: of the cameras that want a look the one that has waited longest. One place each, in which the newest frame lies; at most one
/// look of a camera at a time, and so many a minute.
/// </summary>
/// <remarks>Not thread-safe. A camera that was served stands at the end again, so all that want a look have one before any has two.</remarks>
/// <param name="perMinute">Looks a minute of each camera; also the cameras that there are.</param>
internal sealed class LookTurns(IReadOnlyDictionary<string, double> perMinute)
{
    // A change takes two equal readings, and a scene that changes again at once as many more.
    private const double Burst = 6;
    private readonly Dictionary<string, Place> _places = perMinute.ToDictionary(camera => camera.Key, _ => new Place());

    /// <summary>How fast places are given out; 1 as configured, less to spare the machine.</summary>
    public double Pace { get; set; } = 1;

    /// <summary>Cameras that wait.</summary>
    public int Waiting => _places.Values.Count(place => place.Look is not null);

    /// <summary>How long a camera has waited for its turn; zero when it wants none.</summary>
    public TimeSpan WaitOf(string camera, TimeSpan now) => _places[camera] is { Look: not null } place ? now - place.Since : TimeSpan.Zero;

    /// <summary>Whether a look of this camera is under way.</summary>
    public bool IsLooking(string camera) => _places[camera].IsLooking;

    /// <summary>A camera wants a look.</summary>
    /// <returns>The look that it takes the place of; null when none waited.</returns>
    public WantedLook? Offer(WantedLook look, TimeSpan now)
    {
        var place = _places[look.Frame.Camera];
        var before = place.Look;
        if (before is null) place.Since = now;
        // Why this scene is looked at stays why, whichever of its frames it will be.
        place.Look = before is not null && before.Round == look.Round ? look with { Reason = before.Reason } : look;
        return before;
    }

    /// <summary>A camera wants none any more.</summary>
    /// <returns>The look that waited; null when none did.</returns>
    public WantedLook? Cancel(string camera)
    {
        var before = _places[camera].Look;
        _places[camera].Look = null;
        return before;
    }

    /// <summary>The next look. Whoever gets one calls <see cref="Done"/> when it is over.</summary>
    /// <returns>The look, or how long nothing will be due if nothing changes: null for ever.</returns>
    public (DueLook? Look, TimeSpan? Wait) Next(TimeSpan now)
    {
        TimeSpan? soonest = null;
        foreach (var (camera, place) in _places.Where(each => each.Value is { Look: not null, IsLooking: false }).OrderBy(each => each.Value.Since))
        {
            var wait = Refill(camera, place, now);
            if (wait > TimeSpan.Zero)
            {
                soonest = soonest is null || wait < soonest ? wait : soonest;
                continue;
            }
            var due = new DueLook(place.Look!, now - place.Since);
            (place.Look, place.IsLooking, place.Tokens) = (null, true, place.Tokens - 1);
            return (due, null);
        }
        return (null, soonest);
    }

    /// <summary>The look of a camera is over.</summary>
    public void Done(string camera) => _places[camera].IsLooking = false;

    /// <returns>How long until the camera may have a look; zero or less for now.</returns>
    private TimeSpan Refill(string camera, Place place, TimeSpan now)
    {
        var perSecond = perMinute[camera] / 60 * Pace;
        place.Tokens = Math.Min(Burst, place.Tokens + ((now - place.Refilled).TotalSeconds * perSecond));
        place.Refilled = now;
        // A hair less than a whole one is one: sums of small times are not exact.
        return TimeSpan.FromSeconds((1 - 1e-6 - place.Tokens) / perSecond);
    }

    private sealed class Place
    {
        public WantedLook? Look { get; set; }

        public TimeSpan Since { get; set; }

        public bool IsLooking { get; set; }

        public double Tokens { get; set; } = Burst;

        public TimeSpan Refilled { get; set; }
    }
}
