using Microsoft.AspNetCore.Http;
using Vlm.Escalation.Errors;
using Vlm.Escalation.Settings;

namespace Vlm.Escalation.Chat;

/// <summary><c>GET /v1/models</c> and <c>GET /v1/models/{id}</c>: the one model.</summary>
internal sealed class ModelsApi(EscalationOptions options, TimeProvider time)
{
    private readonly ModelCard _card = new(options.Model.ServedName, "model", time.GetUtcNow().ToUnixTimeSeconds(), "local");

    public Task ListAsync(HttpContext context) => context.Response.WriteAsJsonAsync(new ModelList("list", [_card]), ChatJson.Default.ModelList, cancellationToken: context.RequestAborted);

    public Task GetAsync(HttpContext context)
    {
        var id = context.Request.RouteValues["id"] as string;
        if (id != _card.Id) throw new ApiException(ErrorReason.ModelNotFound, $"There is no model '{id}' here. This server has '{_card.Id}'.", "model");
        return context.Response.WriteAsJsonAsync(_card, ChatJson.Default.ModelCard, cancellationToken: context.RequestAborted);
    }
}
