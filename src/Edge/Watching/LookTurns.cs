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
/// <param name="cameras">Looks a minute of each camera; also the cameras that there are.</param>
internal sealed class LookTurns(IReadOnlyDictionary<string, double> cameras)
{
    // A change takes two equal readings, and a scene that changes again at once as many more.
    private const double Burst = 6;
    private readonly Dictionary<string, Place> _places = cameras.ToDictionary(camera => camera.Key, camera => new Place { PerMinute = camera.Value });

    /// <summary>How fast places are given out; 1 as configured, less to spare the machine.</summary>
    public double Pace { get; set; } = 1;

    /// <summary>Cameras that wait.</summary>
    public int Waiting => _places.Values.Count(place => place.Look is not null);

    /// <summary>How long a camera has waited for its turn; zero when it wants none.</summary>
    public TimeSpan WaitOf(string camera, TimeSpan now) => Find(camera) is { Look: not null } place ? now - place.Since : TimeSpan.Zero;

    /// <summary>Whether a look of this camera is under way.</summary>
    public bool IsLooking(string camera) => Find(camera) is { IsLooking: true };

    /// <summary>Other cameras from now on; those that stay keep their place, and one whose look is under way gets none before that is over.</summary>
    public void Change(IReadOnlyDictionary<string, double> next)
    {
        foreach (var gone in _places.Keys.Except(next.Keys).ToArray()) _places.Remove(gone);
        foreach (var (camera, perMinute) in next)
        {
            var place = _places.GetValueOrDefault(camera) ?? new Place();
            place.PerMinute = perMinute;
            _places[camera] = place;
        }
    }

    /// <summary>A camera wants a look.</summary>
    /// <returns>The look that it takes the place of; null when none waited.</returns>
    public WantedLook? Offer(WantedLook look, TimeSpan now)
    {
        if (Find(look.Frame.Camera) is not { } place) return null;
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
        if (Find(camera) is not { } place) return null;
        var before = place.Look;
        place.Look = null;
        return before;
    }

    /// <summary>The next look. Whoever gets one calls <see cref="Done"/> when it is over.</summary>
    /// <returns>The look, or how long nothing will be due if nothing changes: null for ever.</returns>
    public (DueLook? Look, TimeSpan? Wait) Next(TimeSpan now)
    {
        TimeSpan? soonest = null;
        foreach (var place in _places.Values.Where(each => each is { Look: not null, IsLooking: false }).OrderBy(each => each.Since))
        {
            var wait = Refill(place, now);
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
    public void Done(string camera)
    {
        if (Find(camera) is { } place) place.IsLooking = false;
    }

    /// <summary>Null for a camera that is gone, of which something is still under way.</summary>
    private Place? Find(string camera) => _places.GetValueOrDefault(camera);

    /// <returns>How long until the camera may have a look; zero or less for now.</returns>
    private TimeSpan Refill(Place place, TimeSpan now)
    {
        var perSecond = place.PerMinute / 60 * Pace;
        place.Tokens = Math.Min(Burst, place.Tokens + ((now - place.Refilled).TotalSeconds * perSecond));
        place.Refilled = now;
        // A hair less than a whole one is one: sums of small times are not exact.
        return TimeSpan.FromSeconds((1 - 1e-6 - place.Tokens) / perSecond);
    }

    private sealed class Place
    {
        public double PerMinute { get; set; }

        public WantedLook? Look { get; set; }

        public TimeSpan Since { get; set; }

        public bool IsLooking { get; set; }

        public double Tokens { get; set; } = Burst;

        public TimeSpan Refilled { get; set; }
    }
}
