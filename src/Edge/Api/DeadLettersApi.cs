using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Vlm.Edge.Escalations;
using Vlm.Hosting;
using Vlm.Hosting.Http;
using Vlm.Text;

namespace Vlm.Edge.Api;

/// <summary>A question that the larger model was asked in vain; <c>failure</c> and <c>detail</c> say why, <c>escalation_reason</c> why it was asked.</summary>
internal sealed record DeadLetterBody(
    string Id, DateTimeOffset Created, string Code, string? LocalAnswer, string EscalationReason, string Failure, string Detail, long PictureBytes)
{
    public static DeadLetterBody From(DeadLetter dead) => new(
        dead.Entry.Id, dead.Entry.Created, dead.Entry.Code, dead.Entry.LocalAnswer, dead.Entry.Reason.ToLabel(), dead.Reason, dead.Detail, dead.Entry.Bytes);
}

/// <summary>The oldest dead letters, and how many there are in all.</summary>
internal sealed record DeadLettersBody(int Total, IReadOnlyList<DeadLetterBody> DeadLetters);

/// <summary>How many were sent again or dropped.</summary>
internal sealed record CountBody(int Count);

/// <summary>
/// <c>/api/v1/dead-letters</c>: <c>GET</c> lists, <c>DELETE</c> drops, <c>POST …/resend</c> sends again; each for all or, with <c>/{id}</c>, for one.
/// </summary>
internal static class DeadLettersApi
{
    /// <summary>Dead letters in one list at most.</summary>
    public const int Most = 1000;

    private const string Root = "/api/v1/dead-letters";

    public static void Map(IEndpointRouteBuilder routes, EscalationQueue? queue)
    {
        var all = routes.MapGroup(Root).Needs(Roles.Operate);
        all.MapGet("", (RequestDelegate)(context => ListAsync(context, Required(queue))));
        all.MapPost("/resend", (RequestDelegate)(context => CountAsync(context, Required(queue).Resend(null))));
        all.MapPost("/{id}/resend", (RequestDelegate)(context => OneAsync(context, Required(queue).Resend)));
        all.MapDelete("", (RequestDelegate)(context => CountAsync(context, Required(queue).Drop(null))));
        all.MapDelete("/{id}", (RequestDelegate)(context => OneAsync(context, Required(queue).Drop)));
    }

    private static EscalationQueue Required(EscalationQueue? queue) =>
        queue ?? throw new ApiException(ErrorReason.NotFound,
            "This box has no larger model, so it has no dead letters: its configuration has no section 'escalation'.");

    private static Task ListAsync(HttpContext context, EscalationQueue queue)
    {
        var body = new DeadLettersBody(queue.Stats().Dead, [.. queue.DeadLetters(Most).Select(DeadLetterBody.From)]);
        return context.Response.WriteAsJsonAsync(body, ApiJson.Default.DeadLettersBody, cancellationToken: context.RequestAborted);
    }

    private static Task OneAsync(HttpContext context, Func<string, int> act)
    {
        var id = (string)context.Request.RouteValues["id"]!;
        var count = act(id);
        if (count == 0) throw new ApiException(ErrorReason.UnknownId, $"There is no dead letter '{(id.Length > 64 ? id[..64] : id)}'. GET {Root} lists them.");
        return CountAsync(context, count);
    }

    private static Task CountAsync(HttpContext context, int count) =>
        context.Response.WriteAsJsonAsync(new CountBody(count), ApiJson.Default.CountBody, cancellationToken: context.RequestAborted);
}
