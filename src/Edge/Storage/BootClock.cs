namespace Vlm.Edge.Storage;

/// <summary>Time since the machine started, which no change of its wall clock moves; and whether the wall clock can be believed.</summary>
/// <remarks>Thread-safe. Stamps of one boot can be compared across processes: the runtime counts from the start of the machine.</remarks>
internal sealed class BootClock(TimeProvider clock, Func<bool> isWallKnown)
{
    private const string BootId = "/proc/sys/kernel/random/boot_id";

    /// <summary>Tells one boot from another.</summary>
    public string Boot { get; } = File.Exists(BootId) ? File.ReadAllText(BootId).Trim() : "";

    /// <summary>Milliseconds since the boot.</summary>
    public long Now => (long)clock.GetElapsedTime(0).TotalMilliseconds;

    /// <summary>The wall clock.</summary>
    public DateTimeOffset Wall => clock.GetUtcNow();

    /// <summary>Whether the wall clock can be believed.</summary>
    public bool IsWallKnown => isWallKnown();
}
