namespace Vlm.Edge.Cameras;

/// <summary>Why a picture that arrived was not looked at. Also a metric label, in snake case.</summary>
internal enum FrameDrop
{
    /// <summary>A newer one of the same camera came first.</summary>
    Replaced,

    /// <summary>The source was opened again, and it was from before.</summary>
    Reopened,

    /// <summary>It is damaged; it replaces none that is intact.</summary>
    Damaged,
}

/// <summary>The newest picture of one camera that nobody took yet; never more than one. Thread-safe.</summary>
internal sealed class FrameSlot
{
    private Frame? _frame;

    /// <summary>Puts a picture in.</summary>
    /// <returns>The older one that it replaced, which is lost; null when there was none.</returns>
    public Frame? Put(Frame frame) => Interlocked.Exchange(ref _frame, frame);

    /// <summary>Takes what is there out; null when nothing is.</summary>
    public Frame? Take() => Interlocked.Exchange(ref _frame, null);
}
