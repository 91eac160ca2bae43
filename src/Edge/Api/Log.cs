using Microsoft.Extensions.Logging;

namespace Vlm.Edge.Api;

/// <summary>What the daemon logs about itself.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Ready at {Address}: {Model} ({Precision}), mode {Mode}, {Gate}")]
    public static partial void Ready(this ILogger log, string address, string model, string precision, string mode, string gate);

    [LoggerMessage(5, LogLevel.Information, "{Placement}")]
    public static partial void RunsOn(this ILogger log, string placement);

    [LoggerMessage(4, LogLevel.Warning, "API keys are not required: everybody who can reach {Address} can ask. Set server: api_keys_file.")]
    public static partial void NoKeys(this ILogger log, string address);
}
