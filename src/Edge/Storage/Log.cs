using Microsoft.Extensions.Logging;

namespace Vlm.Edge.Storage;

/// <summary>What the database logs.</summary>
internal static partial class Log
{
    [LoggerMessage(28, LogLevel.Error, "The disk is full. Nothing new is kept; what was begun is finished in the room that was kept for it.")]
    public static partial void DiskFull(this ILogger log, Exception error);

    [LoggerMessage(29, LogLevel.Critical, "What the box remembers was damaged. It is put aside in {Aside}; a new database is used. Check the disk.")]
    public static partial void PutAside(this ILogger log, Exception error, string aside);

    [LoggerMessage(32, LogLevel.Information, "What an earlier version kept in {Earlier} is now in {Database}; the old file is {Left}")]
    public static partial void TakenOver(this ILogger log, string earlier, string database, string left);

    [LoggerMessage(33, LogLevel.Error, "What an earlier version kept in {Earlier} is damaged and left where it is, as {Left}: nothing of it is known here")]
    public static partial void NotTakenOver(this ILogger log, Exception error, string earlier, string left);
}
