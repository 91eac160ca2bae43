using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Answers;
using Vlm.Edge.Cameras;
using Vlm.Edge.Messages;
using Vlm.Edge.Scenes;
using Vlm.Edge.Tests.Scenes;
using Vlm.Edge.Watching;

namespace Vlm.Edge.Tests.Watching;

/// <summary>A message that a test changes.</summary>
internal sealed class TestMessage(string? code) : IMessageSource
{
    public MessageNow Now { get; set; } = new(code);
}

/// <summary>One camera before a scripted desk, two frames a second on a clock of the test's own, and a scripted model that knows what lies there.</summary>
internal sealed class WatchRig : IDisposable
{
    public const string Camera = "door";

    private readonly FakeTimeProvider _clock = new();
    private readonly WatchMeters _meters = new();
    private readonly LookTurns _turns;
    private readonly Dictionary<long, DeskScene> _shown = [];
    private readonly Func<DeskScene, byte[]> _file = Desk.Once(Desk.File);
    private long _sequence;

    public WatchRig(LookOptions? look = null, ViewOptions? view = null)
    {
        look ??= new LookOptions { PerMinute = 6000 };
        _turns = new LookTurns(new Dictionary<string, double> { [Camera] = look.PerMinute });
        var tools = new WatchTools(new LookQueue(_turns, _clock), _meters, _clock, News.Add);
        Watcher = new Watcher(new WatchedCamera(Camera, view ?? new ViewOptions(), look, Message), tools);
        Read = scene => scene.Sheet == 0 ? (ReadingKind.NoSheet, "")
            : scene.IsCovered || scene.Hand is not null ? (ReadingKind.Unreadable, "")
            : (ReadingKind.Answer, $"sheet {scene.Sheet}");
    }

    public TestMessage Message { get; } = new("a b");

    public Watcher Watcher { get; }

    public List<WatchNews> News { get; } = [];

    public int Looks { get; private set; }

    /// <summary>What the scripted model says of a scene.</summary>
    public Func<DeskScene, (ReadingKind Kind, string Text)> Read { get; set; }

    public string? Published => Watcher.Describe().Published?.Answer.Text;

    public TimeSpan Now => _clock.GetElapsedTime(0);

    public void Wait(TimeSpan time) => _clock.Advance(time);

    /// <summary>A frame comes, and whatever look is due is taken.</summary>
    public void Show(DeskScene scene, FrameIntegrity integrity = FrameIntegrity.Intact, long epoch = 1)
    {
        Offer(scene, integrity, epoch);
        LookAtDue();
    }

    public void Show(DeskScene scene, int times)
    {
        for (var i = 0; i < times; i++) Show(scene with { Noise = i });
    }

    public void Offer(DeskScene scene, FrameIntegrity integrity = FrameIntegrity.Intact, long epoch = 1)
    {
        _clock.Advance(TimeSpan.FromSeconds(0.5));
        _shown[_sequence + 1] = scene;
        _shown.Remove(_sequence - 100);
        Offer(_file(scene), integrity, epoch);
    }

    public void Offer(byte[] file, FrameIntegrity integrity = FrameIntegrity.Intact, long epoch = 1) =>
        Watcher.Take(new Frame(Camera, file, _clock.GetTimestamp(), _clock.GetUtcNow(), ++_sequence, epoch, integrity));

    public void LookAtDue()
    {
        if (_turns.Next(Now).Look is not { } due) return;
        if (Watcher.IsWanted(due.Look)) Watcher.Take(due.Look, Answer(due.Look));
        _turns.Done(Camera);
    }

    public void Dispose() => _meters.Dispose();

    private Reading Answer(WantedLook look)
    {
        Looks++;
        var (kind, text) = Read(_shown[look.Frame.Sequence]);
        return new Reading(kind, look.Code, text, FrameNumber.Of(look.Frame))
        {
            Answer = kind == ReadingKind.Answer
                ? new Answer { Id = $"{look.Frame.Sequence}", Text = text, By = AnsweredBy.Edge, Model = "scripted", Confidence = 0.99, IsCertified = true }
                : null,
        };
    }
}
