using Vlm.Hosting;

namespace Vlm.Edge.Scenes;

/// <summary>How long and how many answers are given again.</summary>
internal sealed record CacheOptions
{
    /// <summary>How long an answer is given again for the same scene and code, in seconds; 0 (off) to 86,400; 600 by default.</summary>
    public double WindowSeconds { get; init; } = 600;

    /// <summary>Answers kept; 1 to 10,000, 16 KB each; 256 by default. The oldest goes first.</summary>
    public int Entries { get; init; } = 256;

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems() => Check.Ranges(("window_seconds", WindowSeconds, 0, 86_400), ("entries", Entries, 1, 10_000));
}

/// <summary>Answers that may be given again when the same picture is asked about with the same code.</summary>
/// <remarks>
/// Thread-safe. Bounded by number and age. What is put in must be certified or come from the larger model: a doubtful answer is not repeated.
/// </remarks>
internal sealed class SceneCache<TAnswer>(CacheOptions options, TimeProvider clock)
    where TAnswer : class
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<Entry>> _byCode = [];
    private readonly Queue<Entry> _oldestFirst = new();

    public int Count
    {
        get
        {
            lock (_lock) return _oldestFirst.Count;
        }
    }

    /// <param name="scene">What the picture shows.</param>
    /// <param name="code">The code in its normal form.</param>
    /// <returns>Null when nothing is known about it, or no longer.</returns>
    public TAnswer? Find(Scene scene, string code)
    {
        lock (_lock)
        {
            DropOld();
            return _byCode.GetValueOrDefault(code)?.LastOrDefault(entry => entry.Scene.IsSameAs(scene))?.Answer;
        }
    }

    public void Add(Scene scene, string code, TAnswer answer)
    {
        if (options.WindowSeconds <= 0) return;
        lock (_lock)
        {
            DropOld();
            if (_oldestFirst.Count >= options.Entries) Drop();
            var entry = new Entry(scene, code, answer, clock.GetTimestamp());
            _oldestFirst.Enqueue(entry);
            if (!_byCode.TryGetValue(code, out var entries)) _byCode.Add(code, entries = []);
            entries.Add(entry);
        }
    }

    private void DropOld()
    {
        while (_oldestFirst.TryPeek(out var entry) && clock.GetElapsedTime(entry.Stamp).TotalSeconds >= options.WindowSeconds) Drop();
    }

    private void Drop()
    {
        var entry = _oldestFirst.Dequeue();
        var entries = _byCode[entry.Code];
        entries.Remove(entry);
        if (entries.Count == 0) _byCode.Remove(entry.Code);
    }

    private sealed record Entry(Scene Scene, string Code, TAnswer Answer, long Stamp);
}
