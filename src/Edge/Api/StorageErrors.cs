using Microsoft.AspNetCore.Builder;
using Vlm.Edge.Storage;
using Vlm.Hosting.Http;

namespace Vlm.Edge.Api;

/// <summary>A request that fails by the disk of the box is 503 and says what to do; it is no fault of the program.</summary>
internal static class StorageErrors
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    public static void UseStorageErrors(this WebApplication app) => app.Use(next => async context =>
    {
        try
        {
            await next(context);
        }
        catch (StorageException e) when (!context.Response.HasStarted)
        {
            throw new ApiException(ErrorReason.StorageFailed, e.ForClients, retryAfter: Pause);
        }
    });
}
