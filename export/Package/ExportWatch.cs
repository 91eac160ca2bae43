using Vlm.Export.Options;

namespace Vlm.Export.Package;

/// <summary>Who watches an export of minutes: hears how much is to be written and how much is, and may end it.</summary>
/// <param name="Total">Hears of all bytes of weights, before the first is written.</param>
/// <param name="Wrote">Hears of bytes that were written.</param>
/// <param name="Cancellation">Ends it between two pieces; nothing stays.</param>
internal sealed record ExportWatch(Action<long> Total, Action<int> Wrote, CancellationToken Cancellation)
{
    public static ExportWatch Nobody { get; } = new(_ => { }, _ => { }, CancellationToken.None);

    /// <summary>Looks whether there is room, and says how much there is to do.</summary>
    /// <exception cref="ExportException">There is not.</exception>
    public void Begin(string folder, long bytes)
    {
        var free = new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        if (free < bytes)
        {
            throw new ExportException(
                $"The package takes {bytes:N0} bytes; where it is to go, {free:N0} are free. Make room, or give another folder or precision.");
        }
        Total(bytes);
    }

    /// <summary>Something was written.</summary>
    /// <exception cref="OperationCanceledException">It is to end.</exception>
    public void Written(int bytes)
    {
        Cancellation.ThrowIfCancellationRequested();
        Wrote(bytes);
    }
}
