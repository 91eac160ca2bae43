using Vlm.Edge.Answers;
using Vlm.Edge.Cameras;
using Vlm.Edge.Messages;
using Vlm.Edge.Scenes;
using Vlm.Vision;

namespace Vlm.Edge.Watching;

/// <summary>Why a published answer holds no longer. Also a metric label, in snake case.</summary>
internal enum WithdrawalReason
{
    /// <summary>There is no sheet before the camera any more.</summary>
    SheetGone,

    /// <summary>The message is another.</summary>
    MessageChanged,

    /// <summary>There is no message any more.</summary>
    MessageGone,

    /// <summary>The camera was paused.</summary>
    Paused,

    /// <summary>The camera's settings are others; it is read anew.</summary>
    CameraChanged,

    /// <summary>The camera is no longer configured.</summary>
    CameraGone,
}

/// <summary>What is published of a camera.</summary>
/// <param name="Name">The camera's.</param>
internal abstract record WatchNews(string Name)
{
    /// <summary>An answer, with the message that it answers.</summary>
    public sealed record Published(string Name, Answer Answer, string Code) : WatchNews(Name);

    /// <summary>The answer of this id holds no longer.</summary>
    public sealed record Withdrawn(string Name, string Id, WithdrawalReason Reason) : WatchNews(Name);

    /// <summary>How the camera itself is, whether it changed or not.</summary>
    public sealed record Camera(string Name, CameraCondition Condition, CameraReason Reason, DateTimeOffset Since) : WatchNews(Name);
}

/// <summary>A camera that is watched.</summary>
/// <param name="Name">Its name.</param>
/// <param name="View">What of its pictures is used.</param>
/// <param name="Look">When they are looked at.</param>
/// <param name="Message">The message that its sheets are read with.</param>
internal sealed record WatchedCamera(string Name, ViewOptions View, LookOptions Look, IMessageSource Message);

/// <summary>What a watcher works with.</summary>
/// <param name="Queue">Where looks wait for their turn.</param>
/// <param name="Meters">Numbers.</param>
/// <param name="Clock">Clock.</param>
/// <param name="Tell">Hears what is published. Called under a lock: it must be quick and must not ask back.</param>
internal sealed record WatchTools(LookQueue Queue, WatchMeters Meters, TimeProvider Clock, Action<WatchNews> Tell);

/// <summary>One camera, from frame to published answer: refuses, sees changes, wants looks, and publishes what is read often enough.</summary>
/// <remarks>Thread-safe. Keeps one frame: the newest that may be shown.</remarks>
internal sealed class Watcher(WatchedCamera camera, WatchTools tools)
{
    private readonly Lock _lock = new();
    private ChangeGate _gate = ChangeGate.New;
    private Readings _readings = Readings.None;
    private FrameNumber _last = FrameNumber.None;
    private string? _code;
    private long _round;
    private bool _isPaused, _isMessageNew;
    private Frame? _newest;
    private (ReadingOutcome Outcome, DateTimeOffset At)? _outcome;
    private DateTimeOffset _publishedAt;

    public string Name => camera.Name;

    public ViewOptions View => camera.View;

    /// <summary>What it watches.</summary>
    public WatchedCamera Watched => camera;

    /// <summary>The newest frame that may be shown, not yet masked; null while there is none.</summary>
    public Frame? Newest
    {
        get
        {
            lock (_lock) return _newest;
        }
    }

    /// <summary>Takes in a frame.</summary>
    public void Take(Frame frame)
    {
        lock (_lock)
        {
            Hear(camera.Message.Now.Code);
            var situation = new FrameSituation(_last, Age(frame), TimeSpan.FromSeconds(camera.Look.MaxAgeSeconds), _isPaused, _code is not null);
            var refusal = FrameRules.Refuse(frame, situation);
            if (refusal is FrameRefusal.Paused or FrameRefusal.EarlierEpoch or FrameRefusal.Repeated or FrameRefusal.Damaged)
            {
                if (refusal == FrameRefusal.Damaged) _last = FrameNumber.Of(frame);
                tools.Meters.Refused(Name, refusal.Value);
                return;
            }
            (_last, _newest) = (FrameNumber.Of(frame), frame);
            if (refusal is { } why) tools.Meters.Refused(Name, why);
            else if (See(frame) is { } sight) Follow(frame, sight);
        }
    }

    /// <summary>Whether a look that waited is still wanted now that its turn has come.</summary>
    public bool IsWanted(WantedLook look)
    {
        lock (_lock)
        {
            FrameRefusal? refusal = look.Round != _round ? FrameRefusal.Outdated
                : Age(look.Frame) > TimeSpan.FromSeconds(camera.Look.MaxAgeSeconds) ? FrameRefusal.Old
                : null;
            if (refusal is { } why) tools.Meters.Refused(Name, why);
            return refusal is null;
        }
    }

    /// <summary>Takes in what a look brought.</summary>
    public void Take(WantedLook look, Reading reading)
    {
        lock (_lock)
        {
            if (look.Round != _round)
            {
                tools.Meters.Refused(Name, FrameRefusal.Outdated);
                return;
            }
            var before = _readings.Published;
            (_readings, var outcome) = _readings.Take(reading, camera.Look.Readings);
            _outcome = (outcome, tools.Clock.GetUtcNow());
            tools.Meters.Read(Name, reading.Kind, outcome);
            if (outcome == ReadingOutcome.Withdrawn) Withdraw(before!, WithdrawalReason.SheetGone);
            if (outcome != ReadingOutcome.Published) return;
            _publishedAt = tools.Clock.GetUtcNow();
            tools.Meters.Published(Age(look.Frame));
            tools.Tell(new WatchNews.Published(Name, reading.Answer!, reading.Code));
        }
    }

    /// <summary>Stops or goes on. A paused camera is not looked at, and nothing is published of it.</summary>
    public void Pause(bool isPaused)
    {
        lock (_lock)
        {
            if (_isPaused == isPaused) return;
            _isPaused = isPaused;
            // Whatever happens meanwhile, it begins from nothing.
            (_gate, _newest) = (ChangeGate.New, null);
            Drop(_readings.Pause());
            if (isPaused) Withdraw(WithdrawalReason.Paused);
        }
    }

    /// <summary>It is over: whatever still comes of it is not looked at, and what is under way is not published.</summary>
    public void End(WithdrawalReason why)
    {
        lock (_lock)
        {
            (_isPaused, _gate, _newest) = (true, ChangeGate.New, null);
            Drop(_readings.Pause());
            Withdraw(why);
        }
    }

    /// <summary>Puts right what is published, when the larger model or a person says otherwise of it.</summary>
    /// <param name="id">Of the answer, or the one under which its correction was to come.</param>
    /// <param name="correct">Makes the right answer of the one that is published.</param>
    public void Correct(string id, Func<Answer, Answer> correct)
    {
        lock (_lock)
        {
            if (_readings.Published is not { Answer: { } answer } published || (answer.Id != id && answer.CorrectionId != id)) return;
            var right = correct(answer);
            if (right == answer) return;
            _readings = _readings.Correct(published with { Answer = right, Text = right.Text ?? "" });
            _publishedAt = tools.Clock.GetUtcNow();
            tools.Tell(new WatchNews.Published(Name, right, published.Code));
        }
    }

    /// <summary>What people are told of it.</summary>
    public WatcherState Describe()
    {
        lock (_lock)
        {
            var message = camera.Message.Now;
            var published = _readings.Published is { } reading ? new PublishedState(reading.Answer!, reading.Code, _publishedAt) : null;
            return new WatcherState(Name, _isPaused, message, published, _outcome, tools.Queue.WaitOf(Name));
        }
    }

    private TimeSpan Age(Frame frame) => tools.Clock.GetElapsedTime(frame.Arrival);

    /// <summary>Another message begins anew with the next frame that stands.</summary>
    private void Hear(string? code)
    {
        if (code == _code) return;
        _code = code;
        Withdraw(code is null ? WithdrawalReason.MessageGone : WithdrawalReason.MessageChanged);
        Drop(code is null ? _readings.Pause() : _readings.Begin(camera.Look.Readings));
        _isMessageNew = code is not null;
    }

    private Sight? See(Frame frame)
    {
        try
        {
            return Sight.Of(View.Apply(ImageCodec.Read(frame.Encoded.Span, Sight.EnoughPixels).Image));
        }
        catch (PictureException)
        {
            tools.Meters.Refused(Name, FrameRefusal.Unreadable);
            return null;
        }
    }

    private void Follow(Frame frame, Sight sight)
    {
        (_gate, var verdict) = _gate.Step(sight, tools.Clock.GetElapsedTime(0), camera.Look.QuietFrames);
        if (verdict.IsChange) Drop(verdict.Look is null ? _readings.Pause() : _readings.Begin(camera.Look.Readings));
        if (!verdict.IsSettled) return;
        if (verdict.Look is null && (!_readings.WantsMore || tools.Queue.IsLooking(Name))) return;
        var reason = verdict.Look ?? (_isMessageNew ? LookReason.Message : LookReason.Again);
        _isMessageNew = false;
        if (tools.Queue.Offer(new WantedLook(frame, _code!, _round, reason))) tools.Meters.Refused(Name, FrameRefusal.Superseded);
    }

    /// <summary>What waits and what is being read belongs to the past.</summary>
    private void Drop(Readings next)
    {
        (_readings, _round) = (next, _round + 1);
        if (tools.Queue.Cancel(Name)) tools.Meters.Refused(Name, FrameRefusal.Outdated);
    }

    private void Withdraw(WithdrawalReason why)
    {
        if (_readings.Published is not { } published) return;
        _readings = _readings.Withdraw();
        Withdraw(published, why);
    }

    private void Withdraw(Reading published, WithdrawalReason why)
    {
        tools.Meters.Withdrawn(Name, why);
        tools.Tell(new WatchNews.Withdrawn(Name, published.Answer!.Id, why));
    }
}

/// <summary>What is published of a camera.</summary>
internal sealed record PublishedState(Answer Answer, string Code, DateTimeOffset At);

/// <summary>What people are told of a camera that is watched.</summary>
/// <param name="Camera">Its name.</param>
/// <param name="IsPaused">Whether it is paused.</param>
/// <param name="Message">The message now, or why there is none.</param>
/// <param name="Published">What is published; null for nothing.</param>
/// <param name="Last">What came of the last look, and when; null before there was one.</param>
/// <param name="Waiting">How long it has waited for a look; zero when it wants none.</param>
internal sealed record WatcherState(
    string Camera, bool IsPaused, MessageNow Message, PublishedState? Published, (ReadingOutcome Outcome, DateTimeOffset At)? Last, TimeSpan Waiting);
