using Microsoft.Extensions.Hosting;
using Vlm.Edge.Escalations;
using Vlm.Edge.Storage;

namespace Vlm.Edge.Queries;

/// <summary>What is watched.</summary>
/// <param name="Queue">The queue of escalations; null for a box that works alone.</param>
/// <param name="Box">The database.</param>
/// <param name="Clock">The machine's clock.</param>
internal sealed record Watched(EscalationQueue? Queue, BoxDatabase Box, BootClock Clock);

/// <summary>Looks now and then for what nobody would notice otherwise, and for what is over.</summary>
internal sealed class Watch(Watched watched, Alarms alarms, TimeProvider time) : BackgroundService
{
    /// <summary>So long may the queue stand still while something waits.</summary>
    public static readonly TimeSpan Stall = TimeSpan.FromMinutes(15);

    private const long EnoughRoom = 8L << 20;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    /// <summary>One look.</summary>
    public void Look()
    {
        alarms.Set(AlarmKind.ClockUnknown, watched.Clock.IsWallKnown ? null : "Nobody keeps the clock of this machine right: ages and times may be wrong");
        var aside = watched.Box.PutAsideFolders();
        alarms.Set(AlarmKind.Quarantine, aside.Count == 0 ? null : $"Damaged files were put aside: {string.Join(", ", aside)}");
        var folders = watched.Box.Folders;
        if (alarms.Stands(AlarmKind.DiskFull) && HasRoom(folders.State) && (folders.Waiting is null || HasRoom(folders.Waiting)))
            alarms.Clear(AlarmKind.DiskFull);
        if (watched.Queue?.Stats() is not { } stats) return;
        if (stats.LostPictures == 0) alarms.Clear(AlarmKind.PicturesLost);
        var isStalled = stats.Waiting > 0 && stats.OldestAge > Stall && stats.SinceProgress > Stall;
        alarms.Set(AlarmKind.QueueStalled, isStalled
            ? $"{stats.Waiting} questions wait for the larger model, and none came to its end for {stats.SinceProgress.TotalMinutes:F0} minutes"
            : null);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                Look();
                await Task.Delay(Every, time, stoppingToken);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                alarms.Raise(AlarmKind.State, $"The state of the box cannot be looked at: {error.Message}");
                await Task.Delay(Every, time, stoppingToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static bool HasRoom(string folder) => !Directory.Exists(folder) || new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace >= EnoughRoom;
}
