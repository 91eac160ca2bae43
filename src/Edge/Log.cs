using Microsoft.Extensions.Logging;
using Vlm.Edge.Queries;

namespace Vlm.Edge;

/// <summary>What the daemon logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Ready at {Address}: {Model} ({Precision}), mode {Mode}, {Gate}.")]
    public static partial void Ready(ILogger logger, string address, string model, string precision, string mode, string gate);

    [LoggerMessage(2, LogLevel.Error, "Alarm ({Kind}): {Message}")]
    public static partial void Alarm(ILogger logger, AlarmKind kind, string message);

    [LoggerMessage(3, LogLevel.Error, "The model failed on a question.")]
    public static partial void ModelFailed(ILogger logger, Exception error);

    [LoggerMessage(4, LogLevel.Warning, "Nobody needs an API key: whoever reaches {Address} can ask. Set server: api_keys_file.")]
    public static partial void NoKeys(ILogger logger, string address);
}
