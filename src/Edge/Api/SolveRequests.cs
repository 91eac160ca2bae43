using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Vlm.Cryptogram;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;
using Vlm.Text;

namespace Vlm.Edge.Api;

/// <summary>Body of <c>POST /api/v1/solve</c> as JSON; as a form it has fields of the same names.</summary>
/// <param name="Picture">A data URI.</param>
/// <param name="Code">The coded message.</param>
/// <param name="DeadlineMs">How long the client waits.</param>
/// <param name="Mode">One of the routing modes.</param>
internal sealed record SolveRequest(string Picture, string Code, double? DeadlineMs = null, string? Mode = null);

/// <summary>Makes questions of requests: checks everything, and looks at the picture as far as its header.</summary>
internal sealed class SolveRequests(Daemon daemon)
{
    private readonly ServerOptions _server = daemon.Config.Server;
    private readonly RoutingOptions _routing = daemon.Config.Routing;
    private readonly TimeProvider _clock = daemon.Clock;
    private readonly BodyLimits _body = new(
        daemon.Config.Server.BodyLimitBytes, TimeSpan.FromSeconds(daemon.Config.Server.BodySeconds), daemon.Clock,
        new BodyMemory(daemon.Config.Server.BodyLimitBytes));

    /// <summary>The question of a form or of JSON.</summary>
    /// <exception cref="ApiException">It is none.</exception>
    public async Task<Query> ReadAsync(HttpRequest request)
    {
        var started = _clock.GetTimestamp();
        var type = request.ContentType ?? "";
        if (type.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase)) return await ReadFormAsync(request, started);
        if (!request.HasJsonContentType())
            throw new ApiException(ErrorReason.UnsupportedMediaType, $"The content type is '{type}'. Send multipart/form-data or application/json.");
        var body = ParseJson(await RequestBody.ReadJsonAsync(request, _body, request.HttpContext.RequestAborted));
        return ToQuery(new Parts(PictureFile.FromDataUri(body.Picture, "picture"), body.Code, body.DeadlineMs, body.Mode), started);
    }

    /// <summary>The question of an OpenAI-shaped request, and how to answer it: the last message of the user counts.</summary>
    /// <remarks>Members that steer sampling and length are checked and change nothing: the local answer is greedy and short, whatever they say.</remarks>
    /// <exception cref="ApiException">It is none.</exception>
    public async Task<(Query Query, ChatSettings Settings)> ReadChatAsync(HttpRequest request)
    {
        var started = _clock.GetTimestamp();
        var rules = new ChatRules(null, _server.PixelLimit, Seed: 0) { TakesConversations = true, HasLogprobs = false };
        var chat = RequestBody.Parse(await RequestBody.ReadJsonAsync(request, _body, request.HttpContext.RequestAborted), rules);
        return (ToQuery(new Parts(chat.Picture, chat.Code, null, null), started), chat.Settings);
    }

    private Query ToQuery(Parts parts, long started)
    {
        var picture = PictureFile.CheckHeader(parts.Picture, _server.PixelLimit, "picture");
        try
        {
            return new Query(Guid.NewGuid().ToString("N"), picture, Code.Parse(parts.Code), ToMode(parts.Mode),
                new Deadline(_clock, started, ToDeadline(parts.DeadlineMs)));
        }
        catch (CodeException e)
        {
            throw new ApiException(ErrorReason.UnusableCode, e.Message, "code");
        }
    }

    private static SolveRequest ParseJson(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize(body.Span, ApiJson.Default.SolveRequest)
                ?? throw new ApiException(ErrorReason.InvalidRequest, "The body is null; send an object with picture and code.");
        }
        catch (JsonException e)
        {
            throw new ApiException(ErrorReason.InvalidRequest, $"The body is not the expected JSON: {e.Message}");
        }
    }

    private async Task<Query> ReadFormAsync(HttpRequest request, long started)
    {
        var form = await SolveForm.ParseAsync(request.ContentType, await RequestBody.ReadAsync(request, _body, request.HttpContext.RequestAborted));
        return ToQuery(new Parts(form.Picture, form.Code, ToNumber(form.DeadlineMs), form.Mode is { Length: > 0 } mode ? mode : null), started);
    }

    private static double? ToNumber(string text) => text.Length == 0
        ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new ApiException(ErrorReason.InvalidRequest, $"deadline_ms is '{text}'; expected a number of milliseconds.", "deadline_ms");

    private TimeSpan ToDeadline(double? milliseconds)
    {
        if (milliseconds is null) return TimeSpan.FromSeconds(_routing.DeadlineSeconds);
        return milliseconds is >= 1 and <= 600_000
            ? TimeSpan.FromMilliseconds(milliseconds.Value)
            : throw new ApiException(ErrorReason.InvalidRequest, $"deadline_ms is {milliseconds}; expected 1 to 600000.", "deadline_ms");
    }

    private RoutingMode ToMode(string? name)
    {
        if (name is null) return _routing.Mode;
        var modes = Enum.GetValues<RoutingMode>();
        if (!modes.Any(mode => mode.ToOption() == name))
        {
            throw new ApiException(ErrorReason.InvalidRequest, $"mode is '{name}'; expected one of {string.Join(", ", modes.Select(mode => mode.ToOption()))}.",
                "mode");
        }
        var wanted = modes.First(mode => mode.ToOption() == name);
        return wanted.FindObstacle(daemon.Drift is not null, daemon.Larger is not null) is { } obstacle
            ? throw new ApiException(ErrorReason.InvalidRequest, obstacle, "mode")
            : wanted;
    }

    /// <summary>What a client sent, however it was packed.</summary>
    private sealed record Parts(byte[] Picture, string Code, double? DeadlineMs, string? Mode);
}
