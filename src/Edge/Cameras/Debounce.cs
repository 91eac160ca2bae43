namespace Vlm.Edge.Cameras;

/// <summary>What is told of a camera: that it is down, or up again, once that has lasted a while. Immutable.</summary>
/// <param name="IsDown">What was told last; a camera counts as up until more is known.</param>
/// <param name="Since">Since when it is otherwise, as a time of the caller's clock; null while it is as told.</param>
internal sealed record Debounce(bool IsDown, TimeSpan? Since)
{
    /// <summary>So long must it last.</summary>
    public static readonly TimeSpan Lasting = TimeSpan.FromSeconds(30);

    /// <summary>Nothing was told yet.</summary>
    public static Debounce Start { get; } = new(false, null);

    /// <summary>The next look.</summary>
    /// <param name="isDown">How it is now.</param>
    /// <param name="now">Time of a clock that only goes forward.</param>
    /// <returns>What is known then; it is to be told when its <see cref="IsDown"/> is another.</returns>
    public Debounce Next(bool isDown, TimeSpan now)
    {
        if (isDown == IsDown) return Since is null ? this : this with { Since = null };
        if (Since is not { } since) return this with { Since = now };
        return now - since >= Lasting ? new Debounce(isDown, null) : this;
    }
}
