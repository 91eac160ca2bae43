using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;
using Vlm.Edge.Queries;
using Vlm.Edge.Storage;
using Vlm.Hosting;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;

namespace Vlm.Edge.Page;

/// <summary><c>GET /</c>, and where its forms go. A browser asks for the key, as the password of any user name.</summary>
internal static class PageApi
{
    private const int LongestForm = 4096;

    /// <param name="routes">Where they go.</param>
    /// <param name="daemon">The box.</param>
    /// <param name="isEnding">Whether the service was told to end.</param>
    public static void Map(IEndpointRouteBuilder routes, Daemon daemon, Func<bool> isEnding)
    {
        var limits = new BodyLimits(LongestForm, TimeSpan.FromSeconds(10), daemon.Clock, new BodyMemory(LongestForm));
        routes.MapGet("/", (RequestDelegate)(context => WriteAsync(context, Look(context), StatusCodes.Status200OK)))
            .Needs(Roles.All).ForBrowsers();
        routes.MapPost(BoxPage.DeadLettersPath, (RequestDelegate)(context => ActAsync(context, form => DoneAsync(context, Decide(daemon, form)))))
            .Needs(Roles.Operate).ForBrowsers();
        routes.MapPost(BoxPage.ReviewsPath, (RequestDelegate)(context => ActAsync(context, form => ReviewAsync(context, daemon, form))))
            .Needs(Roles.See).ForBrowsers();

        BoxView Look(HttpContext context) => BoxView.Of(daemon, KeyCheck.Caller(context), isEnding());

        async Task ActAsync(HttpContext context, Func<Form, Task> act)
        {
            var form = await FormAsync(context, limits);
            try
            {
                await act(form);
            }
            catch (StorageException error)
            {
                await WriteAsync(context, Look(context) with { Said = error.ForClients }, StatusCodes.Status503ServiceUnavailable);
            }
        }

        async Task ReviewAsync(HttpContext context, Daemon box, Form form)
        {
            var view = Reviewing.Read(form[BoxPage.Answer]) is not { } text
                ? Look(context) with { Said = $"Nothing is kept: {Reviewing.Expected}." }
                : box.Review(form[BoxPage.Id], text, KeyCheck.Caller(context).Name) is null
                    ? Look(context) with { Said = "Nothing is kept: this question is not known any more." }
                    : null;
            await (view is null ? DoneAsync(context, null) : WriteAsync(context, view, StatusCodes.Status400BadRequest));
        }

        async Task DoneAsync(HttpContext context, string? wrong)
        {
            if (wrong is not null)
            {
                await WriteAsync(context, Look(context) with { Said = wrong }, StatusCodes.Status400BadRequest);
                return;
            }
            // To the page itself: looking again must not send the form again.
            context.Response.StatusCode = StatusCodes.Status303SeeOther;
            context.Response.Headers.Location = "/";
        }
    }

    /// <returns>What is wrong with the decision; null when it is carried out.</returns>
    private static string? Decide(Daemon daemon, Form form)
    {
        if (daemon.Queue is not { } queue) return "This box has no larger model, so it has no dead letters.";
        var id = form[BoxPage.Id] is { Length: > 0 } one ? one : null;
        int? count = form[BoxPage.Act] switch
        {
            BoxPage.Resend => queue.Resend(id),
            BoxPage.Drop => queue.Drop(id),
            _ => null,
        };
        return count switch
        {
            null => $"Nothing is done: {BoxPage.Act} must be {BoxPage.Resend} or {BoxPage.Drop}.",
            0 => "Nothing is done: there is no such dead letter any more.",
            _ => null,
        };
    }

    private static async Task WriteAsync(HttpContext context, BoxView view, int status)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = "text/html; charset=utf-8";
        response.Headers.ContentSecurityPolicy = PageStyle.Policy;
        // Forms must say where they come from, and nobody else need know where they went.
        response.Headers["Referrer-Policy"] = "same-origin";
        await response.WriteAsync(BoxPage.Write(view), Encoding.UTF8, context.RequestAborted);
    }

    /// <summary>The fields of a form that a page of this box has sent.</summary>
    /// <exception cref="ApiException">Nothing says that it was one of this box, or it is no form.</exception>
    private static async Task<Form> FormAsync(HttpContext context, BodyLimits limits)
    {
        var request = context.Request;
        // A foreign origin is refused before; a browser that says none may carry somebody's key all the same.
        if (request.Headers.Origin.Count == 0 && request.Headers["Sec-Fetch-Site"] != "same-origin")
            throw new ApiException(ErrorReason.ForeignOrigin, "Only the box's own page may send this form. Programs use /api/v1.", "Origin");
        if (!(request.ContentType ?? "").StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase))
        {
            throw new ApiException(ErrorReason.UnsupportedMediaType,
                $"The content type is '{request.ContentType}'. A form is application/x-www-form-urlencoded.");
        }
        return Form.Parse(await RequestBody.ReadAsync(request, limits, context.RequestAborted));
    }
}

/// <summary>The fields of a form; what is not there is empty.</summary>
internal sealed class Form
{
    private readonly Dictionary<string, Microsoft.Extensions.Primitives.StringValues> _fields;

    private Form(Dictionary<string, Microsoft.Extensions.Primitives.StringValues> fields) => _fields = fields;

    /// <summary>The first value of a field.</summary>
    public string this[string name] => _fields.TryGetValue(name, out var values) && values is [{ } first, ..] ? first : "";

    /// <summary>Reads a body of <c>application/x-www-form-urlencoded</c>; whatever it is, there are fields or none.</summary>
    public static Form Parse(ReadOnlyMemory<byte> body) => new(QueryHelpers.ParseQuery(Encoding.UTF8.GetString(body.Span)));
}
