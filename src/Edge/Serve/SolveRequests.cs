using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Vlm.Cryptogram;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Serve;

/// <summary>Body of <c>POST /api/v1/solve</c> as JSON; as a form it has fields of the same names.</summary>
/// <param name="Picture">A data URI.</param>
/// <param name="Code">The coded message.</param>
/// <param name="DeadlineMs">How long the client waits.</param>
/// <param name="Mode">One of the routing modes.</param>
internal sealed record SolveRequest(string Picture, string Code, double? DeadlineMs = null, string? Mode = null);

/// <summary>Makes questions of requests.</summary>
internal sealed class SolveRequests(EdgeConfig config, bool hasGate, TimeProvider clock)
{
    private const int MostFields = 8, LongestField = 4096;

    /// <summary>Reads a form or JSON, checks everything, and looks at the picture as far as its header.</summary>
    public async Task<Query> ReadAsync(HttpRequest request)
    {
        var started = clock.GetTimestamp();
        var type = request.ContentType ?? "";
        if (request.HasJsonContentType()) return OfJson(await JsonAsync(request), started);
        if (type.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase)) return await OfFormAsync(request, started);
        throw new ApiError(StatusCodes.Status415UnsupportedMediaType, "content_type", $"the content type is '{type}'; send multipart/form-data or application/json");
    }

    /// <summary>A question of its parts.</summary>
    public Query Of(byte[] picture, string code, double? deadlineMs, string? mode, long started)
    {
        try
        {
            var wanted = Mode(mode);
            return new Query(Guid.NewGuid().ToString("N"), PictureFile.Checked(picture, config.Server), Code.Parse(code), wanted, Deadline(deadlineMs), started);
        }
        catch (CodeException e)
        {
            throw new ApiError(StatusCodes.Status422UnprocessableEntity, "code", e.Message);
        }
    }

    /// <summary>Whether the mode can be used here; null when it can, else why not.</summary>
    public static string? Problem(RoutingMode mode, bool hasGate, bool hasLarger) => (mode, hasGate, hasLarger) switch
    {
        (not RoutingMode.LocalOnly, _, false) => $"the mode {EdgeConfigFile.Name(mode)} asks a larger model, and this box has none",
        (RoutingMode.Escalate or RoutingMode.AnswerNow, false, _) =>
            $"the mode {EdgeConfigFile.Name(mode)} needs a gate to tell which answers to escalate, and the package has no gate.json",
        _ => null,
    };

    private static async Task<SolveRequest> JsonAsync(HttpRequest request)
    {
        try
        {
            return await request.ReadFromJsonAsync(ServeJson.Default.SolveRequest, request.HttpContext.RequestAborted)
                ?? throw ApiError.BadRequest("the body is null; send an object with picture and code");
        }
        catch (JsonException e)
        {
            throw ApiError.BadRequest($"the body is not the expected JSON: {e.Message}");
        }
    }

    private Query OfJson(SolveRequest body, long started) => Of(PictureFile.FromDataUri(body.Picture), body.Code, body.DeadlineMs, body.Mode, started);

    private async Task<Query> OfFormAsync(HttpRequest request, long started)
    {
        var limits = new FormOptions
        {
            // In memory: the number of requests in flight bounds it, and nothing is left on the disk.
            MemoryBufferThreshold = config.Server.BodyLimitBytes,
            MultipartBodyLengthLimit = config.Server.BodyLimitBytes,
            ValueCountLimit = MostFields,
            ValueLengthLimit = LongestField,
            KeyLengthLimit = 64,
        };
        IFormCollection form;
        try
        {
            form = await request.ReadFormAsync(limits, request.HttpContext.RequestAborted);
        }
        catch (InvalidDataException e)
        {
            throw ApiError.BadRequest($"the form cannot be read: {e.Message}");
        }
        if (form.Files.GetFile("picture") is not { } file) throw ApiError.BadRequest("the form has no file 'picture'");
        foreach (var name in form.Keys.Where(name => name is not ("code" or "deadline_ms" or "mode")))
            throw ApiError.BadRequest($"the form has a field '{name}'; expected picture, code, deadline_ms and mode");
        var picture = new byte[file.Length];
        await using (var stream = file.OpenReadStream()) await stream.ReadExactlyAsync(picture, request.HttpContext.RequestAborted);
        return Of(picture, form["code"].ToString(), Number(form["deadline_ms"].ToString()), form["mode"] is [{ Length: > 0 } mode] ? mode : null, started);
    }

    private static double? Number(string text) => text.Length == 0
        ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw ApiError.BadRequest($"deadline_ms is '{text}'; expected a number of milliseconds");

    private TimeSpan Deadline(double? milliseconds)
    {
        if (milliseconds is null) return TimeSpan.FromSeconds(config.Routing.DeadlineSeconds);
        return milliseconds is >= 1 and <= 600_000
            ? TimeSpan.FromMilliseconds(milliseconds.Value)
            : throw ApiError.BadRequest($"deadline_ms is {milliseconds}; expected 1 to 600000");
    }

    private RoutingMode Mode(string? name)
    {
        if (name is null) return config.Routing.Mode;
        var modes = Enum.GetValues<RoutingMode>();
        if (!modes.Any(mode => EdgeConfigFile.Name(mode) == name))
            throw ApiError.BadRequest($"mode is '{name}'; expected one of {string.Join(", ", modes.Select(EdgeConfigFile.Name))}");
        var wanted = modes.First(mode => EdgeConfigFile.Name(mode) == name);
        return Problem(wanted, hasGate, config.Escalation is not null) is { } problem ? throw ApiError.BadRequest(problem) : wanted;
    }
}
