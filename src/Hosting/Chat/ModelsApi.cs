using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Vlm.Hosting.Http;

namespace Vlm.Hosting.Chat;

/// <summary><c>GET /v1/models</c> and <c>GET /v1/models/{id}</c>: the one model.</summary>
public static class ModelsApi
{
    /// <summary>Adds both.</summary>
    public static void Map(IEndpointRouteBuilder routes, ModelCard card)
    {
        routes.MapGet("/v1/models", (RequestDelegate)(context =>
            context.Response.WriteAsJsonAsync(new ModelList([card]), ChatJson.Default.ModelList, cancellationToken: context.RequestAborted)));
        routes.MapGet("/v1/models/{id}", (RequestDelegate)(context =>
        {
            var id = context.Request.RouteValues["id"] as string;
            if (id != card.Id) throw new ApiException(ErrorReason.ModelNotFound, $"There is no model '{id}' here. This server has '{card.Id}'.", "model");
            return context.Response.WriteAsJsonAsync(card, ChatJson.Default.ModelCard, cancellationToken: context.RequestAborted);
        }));
    }
}
