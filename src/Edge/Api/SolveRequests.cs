using System.Globalization;
using Microsoft.AspNetCore.Http;
using Vlm.Cryptogram;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;
using Vlm.Text;

namespace Vlm.Edge.Api;

/// <summary>A body that is here whole.</summary>
/// <param name="Type">Its content type.</param>
/// <param name="Bytes">All of it; nothing of a form.</param>
/// <param name="Started">Timestamp at which the request came.</param>
internal sealed record ReceivedBody(string Type, ReadOnlyMemory<byte> Bytes, long Started)
{
    /// <summary>The same of a form: given back when it was taken apart.</summary>
    public BodyBlocks? Form { get; init; }

    public bool IsForm => Type.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase);
}

/// <summary>Makes questions of requests: checks everything, and looks at the picture as far as its header.</summary>
internal sealed class SolveRequests(Daemon daemon)
{
    private readonly BodyMemory _memory = new(daemon.Config.Server.BodyLimitBytes);
    private readonly TimeProvider _clock = daemon.Clock;

    /// <summary>The body of a question: a form, or JSON.</summary>
    /// <exception cref="ApiException">It is neither, or does not come as it should.</exception>
    public async Task<ReceivedBody> ReceiveAsync(HttpRequest request)
    {
        var form = new ReceivedBody(request.ContentType ?? "", default, _clock.GetTimestamp());
        if (form.IsForm) return form with { Form = await RequestBody.ReadBlocksAsync(request, Limits(), request.HttpContext.RequestAborted) };
        if (!request.HasJsonContentType())
            throw new ApiException(ErrorReason.UnsupportedMediaType, $"The content type is '{form.Type}'. Send multipart/form-data or application/json.");
        return await ReceiveJsonAsync(request);
    }

    /// <summary>A body of JSON.</summary>
    /// <exception cref="ApiException">It is none, or does not come as it should.</exception>
    public async Task<ReceivedBody> ReceiveJsonAsync(HttpRequest request)
    {
        var started = _clock.GetTimestamp();
        return new ReceivedBody(request.ContentType ?? "", await RequestBody.ReadJsonAsync(request, Limits(), request.HttpContext.RequestAborted), started);
    }

    /// <summary>The question of a form or of JSON.</summary>
    /// <exception cref="ApiException">It is none.</exception>
    public async Task<Query> ReadAsync(ReceivedBody body)
    {
        if (body.Form is { } parts)
        {
            using var blocks = parts;
            var form = await SolveForm.ParseAsync(body.Type, blocks);
            return ToQuery(new Parts(form.Picture, form.Code, ToNumber(form.DeadlineMs), form.Mode is { Length: > 0 } mode ? mode : null), body.Started);
        }
        var json = SolveJson.Parse(body.Bytes);
        return ToQuery(new Parts(json.Picture, json.Code, json.DeadlineMs, json.Mode), body.Started);
    }

    /// <summary>The question of an OpenAI-shaped request, and how to answer it: the last message of the user counts.</summary>
    /// <exception cref="ApiException">It is none, or asks for what cannot be honoured.</exception>
    public (Query Query, ChatSettings Settings) ReadChat(ReceivedBody body)
    {
        var rules = new ChatRules(daemon.Model.Name, Server.PixelLimit, Seed: 0) { TakesConversations = true, IsSteerable = false };
        var chat = RequestBody.Parse(body.Bytes, rules);
        return (ToQuery(new Parts(chat.Picture, chat.Code, null, null), body.Started), chat.Settings);
    }

    private ServerOptions Server => daemon.Config.Server;

    private BodyLimits Limits() => new(Server.BodyLimitBytes, TimeSpan.FromSeconds(Server.BodySeconds), _clock, _memory);

    private Query ToQuery(Parts parts, long started)
    {
        var picture = PictureFile.CheckHeader(parts.Picture, Server.PixelLimit, "picture");
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

    private static double? ToNumber(string text) => text.Length == 0
        ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new ApiException(ErrorReason.InvalidRequest, $"deadline_ms is '{text}'; expected a number of milliseconds.", "deadline_ms");

    private TimeSpan ToDeadline(double? milliseconds)
    {
        if (milliseconds is null) return TimeSpan.FromSeconds(daemon.Config.Routing.DeadlineSeconds);
        return milliseconds is >= 1 and <= 600_000
            ? TimeSpan.FromMilliseconds(milliseconds.Value)
            : throw new ApiException(ErrorReason.InvalidRequest, $"deadline_ms is {milliseconds}; expected 1 to 600000.", "deadline_ms");
    }

    private RoutingMode ToMode(string? name)
    {
        if (name is null) return daemon.Config.Routing.Mode;
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
