using System.Text.Json;
using System.Text.Json.Serialization;
using System.Threading.Channels;
using Vlm.Edge.Answers;
using Vlm.Edge.Storage;

namespace Vlm.Edge.Queries;

/// <summary>Something that happened after an answer was given.</summary>
[JsonDerivedType(typeof(Corrected), "correction")]
[JsonDerivedType(typeof(NotCorrected), "no_correction")]
[JsonDerivedType(typeof(Alarm), "alarm")]
[JsonDerivedType(typeof(AlarmOver), "alarm_over")]
[JsonDerivedType(typeof(Reviewed), "review")]
[JsonDerivedType(typeof(Published), "published")]
[JsonDerivedType(typeof(Withdrawn), "withdrawn")]
[JsonDerivedType(typeof(CameraDown), "camera_down")]
[JsonDerivedType(typeof(CameraUp), "camera_up")]
internal abstract record EdgeEvent
{
    private EdgeEvent()
    {
    }

    /// <summary>The larger model's answer to a question that was answered before.</summary>
    public sealed record Corrected(string Id, Correction Correction) : EdgeEvent;

    /// <summary>The larger model gave no answer, finally.</summary>
    public sealed record NotCorrected(string Id, string Reason) : EdgeEvent;

    /// <summary>Something that people should look at.</summary>
    public sealed record Alarm(string Kind, string Message) : EdgeEvent;

    /// <summary>It is well again.</summary>
    public sealed record AlarmOver(string Kind, DateTimeOffset Since) : EdgeEvent;

    /// <summary>A person said what the picture says.</summary>
    public sealed record Reviewed(string Id, Review Review) : EdgeEvent;

    /// <summary>What a camera's sheet says, read often enough: the answer of this id to this message.</summary>
    public sealed record Published(string Camera, string Id, string Code, string Text, double? Confidence, bool IsCertified, AnsweredBy By) : EdgeEvent;

    /// <summary>What was published of a camera holds no longer.</summary>
    public sealed record Withdrawn(string Camera, string Id, string Reason) : EdgeEvent;

    /// <summary>Nothing new came from a camera for a while: it is <c>offline</c> or <c>frozen</c>.</summary>
    public sealed record CameraDown(string Camera, string State, string Reason, string Detail, DateTimeOffset Since) : EdgeEvent;

    /// <summary>Pictures come from it again, and have for a while.</summary>
    public sealed record CameraUp(string Camera, string State, DateTimeOffset Since) : EdgeEvent;
}

/// <summary>An event with its place in the stream.</summary>
/// <param name="Number">Its place.</param>
/// <param name="AskedBy">Name of the key whose question it is about, empty where none was needed; null for what is about the box.</param>
/// <param name="Event">What happened.</param>
internal sealed record NumberedEvent(long Number, string? AskedBy, EdgeEvent Event);

/// <summary>Events for listeners, with the last ones again for a listener that comes back.</summary>
/// <remarks>
/// Thread-safe. An event is in the history before it is sent, and the numbers go on after a restart. Bounds: 256 events are at hand, 64 may listen, and each
/// may be 64 events late: then it is cut off, and catches up when it comes back with the number of the last event that it saw.
/// </remarks>
internal sealed class EventStream
{
    private const int Kept = 256, MostBehind = 64, MostListeners = 64;
    private readonly Lock _lock = new();
    private readonly Queue<NumberedEvent> _last = new();
    private readonly List<Listener> _listeners = [];
    private readonly History _history;
    private long _number;

    public EventStream(History history)
    {
        _history = history;
        foreach (var (number, askedBy, text) in history.LastEvents(Kept))
        {
            _number = number;
            if (Read(number, text) is { } happened) _last.Enqueue(new NumberedEvent(number, askedBy, happened));
        }
    }

    public int Listeners
    {
        get
        {
            lock (_lock) return _listeners.Count;
        }
    }

    /// <param name="happened">What.</param>
    /// <param name="askedBy">Name of the key whose question it is about; null for what is about the box.</param>
    public void Publish(EdgeEvent happened, string? askedBy = null)
    {
        lock (_lock)
        {
            var numbered = new NumberedEvent(++_number, askedBy, happened);
            _history.AddEvent(_number, askedBy, JsonSerializer.Serialize(happened, EventJson.Default.EdgeEvent));
            if (_last.Count == Kept) _last.Dequeue();
            _last.Enqueue(numbered);
            foreach (var slow in _listeners.Where(listener => listener.Hears(numbered) && !listener.Channel.Writer.TryWrite(numbered)).ToArray())
            {
                slow.Channel.Writer.TryComplete();
                _listeners.Remove(slow);
            }
        }
    }

    /// <param name="after">Number of the last event that the listener saw; null for a new one, which hears only what happens from now on.</param>
    /// <param name="of">Name of the key whose events alone it hears; null for all events.</param>
    /// <returns>Null when all places for listeners are taken.</returns>
    public Subscription? Listen(long? after, string? of = null)
    {
        lock (_lock)
        {
            if (_listeners.Count >= MostListeners) return null;
            // A number from before a restart is from another stream: then all that is kept is news.
            var behind = after is null ? [] : _last.Where(numbered => numbered.Number > after || after > _number).ToArray();
            var listener = new Listener(Channel.CreateBounded<NumberedEvent>(MostBehind + behind.Length), of);
            foreach (var numbered in behind.Where(listener.Hears)) listener.Channel.Writer.TryWrite(numbered);
            _listeners.Add(listener);
            return new Subscription(listener.Channel.Reader, () => Leave(listener));
        }
    }

    private EdgeEvent? Read(long number, string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, EventJson.Default.EdgeEvent);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            _history.Report($"What is kept of the event {number} cannot be read: {e.Message}");
            return null;
        }
    }

    private void Leave(Listener listener)
    {
        lock (_lock)
        {
            _listeners.Remove(listener);
            listener.Channel.Writer.TryComplete();
        }
    }

    private sealed record Listener(Channel<NumberedEvent> Channel, string? Of)
    {
        public bool Hears(NumberedEvent numbered) => Of is null || numbered.AskedBy == Of;
    }

    /// <summary>One listener; dispose it when it goes.</summary>
    internal sealed class Subscription(ChannelReader<NumberedEvent> events, Action leave) : IDisposable
    {
        public ChannelReader<NumberedEvent> Events => events;

        public void Dispose() => leave();
    }
}

/// <summary>How events are kept.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(EdgeEvent))]
internal sealed partial class EventJson : JsonSerializerContext;
