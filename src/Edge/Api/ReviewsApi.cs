using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Vlm.Edge.Answers;
using Vlm.Edge.Queries;
using Vlm.Hosting;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;

namespace Vlm.Edge.Api;

/// <summary>What a person said of an answer.</summary>
internal sealed record ReviewBody(string Answer, string By, bool Agrees, DateTimeOffset At)
{
    public static ReviewBody From(Review review) => new(review.Text, review.By, review.Agrees, review.At);
}

/// <summary><c>GET /api/v1/answers/{id}/picture</c> and <c>POST /api/v1/answers/{id}/review</c>, for people who may see pictures.</summary>
internal static class ReviewsApi
{
    private const int LongestBody = 4096;

    public static void Map(IEndpointRouteBuilder routes, Daemon daemon)
    {
        var one = routes.MapGroup("/api/v1/answers/{id}").Needs(Roles.See);
        one.MapGet("/picture", (RequestDelegate)(context => PictureAsync(context, daemon.Memory)));
        var limits = new BodyLimits(LongestBody, TimeSpan.FromSeconds(10), daemon.Clock, new BodyMemory(LongestBody));
        one.MapPost("/review", (RequestDelegate)(context => ReviewAsync(context, daemon, limits)));
    }

    private static async Task PictureAsync(HttpContext context, AnswerMemory memory)
    {
        var file = memory.FindPicture(Id(context)) ?? throw new ApiException(ErrorReason.UnknownId,
            "No picture is kept for this answer: see 'pictures' of the configuration.");
        context.Response.ContentType = file switch
        {
            [0xFF, 0xD8, ..] => "image/jpeg",
            [(byte)'R', (byte)'I', (byte)'F', (byte)'F', ..] => "image/webp",
            [(byte)'B', (byte)'M', ..] => "image/bmp",
            _ => "image/png",
        };
        // Whatever the file holds, nothing in it runs.
        context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        await context.Response.Body.WriteAsync(file, context.RequestAborted);
    }

    private static async Task ReviewAsync(HttpContext context, Daemon daemon, BodyLimits limits)
    {
        var body = await RequestBody.ReadJsonAsync(context.Request, limits, context.RequestAborted);
        var text = Reviewing.Read(RequestBody.Parse(body, root => SolveJson.Text(root, "answer")))
            ?? throw new ApiException(ErrorReason.InvalidRequest, $"'answer' is not what is expected: {Reviewing.Expected}.", "answer");
        var review = daemon.Review(Id(context), text, KeyCheck.Caller(context).Name)
            ?? throw new ApiException(ErrorReason.UnknownId, "There is no such answer: it is unknown, or too old.");
        await context.Response.WriteAsJsonAsync(ReviewBody.From(review), ApiJson.Default.ReviewBody, cancellationToken: context.RequestAborted);
    }

    private static string Id(HttpContext context) => (string)context.Request.RouteValues["id"]!;
}
