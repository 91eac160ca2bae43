using System.Security.Cryptography;
using System.Text;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Vlm.Edge.Queries;

namespace Vlm.Edge.Serve;

/// <summary>Who may ask, and how many at once: decided before a byte of the body is read, so that a crowd costs no memory.</summary>
/// <remarks>Thread-safe. Keys are kept as hashes and compared in constant time.</remarks>
internal sealed class Admission : IDisposable
{
    private const int LongestKey = 512;
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);
    private readonly ConcurrencyLimiter _places;
    private readonly byte[][] _keys;
    private readonly EdgeMetrics _metrics;

    /// <exception cref="ConfigException">The file with the keys is there and holds none.</exception>
    public Admission(ServerOptions options, EdgeMetrics metrics)
    {
        _metrics = metrics;
        _places = new ConcurrencyLimiter(new ConcurrencyLimiterOptions { PermitLimit = options.InFlight, QueueLimit = 0 });
        _keys = options.ApiKeysFile is { } file ? Read(file) : [];
    }

    /// <summary>Whether clients must show a key.</summary>
    public bool NeedsKey => _keys.Length > 0;

    /// <summary>A filter in front of a handler: checks the key.</summary>
    public RequestDelegate Known(RequestDelegate next) => async context => await Guarded(context, async () =>
    {
        CheckKey(context.Request);
        await next(context);
    });

    /// <summary>The same, and takes one of the places.</summary>
    public RequestDelegate Placed(RequestDelegate next) => async context => await Guarded(context, async () =>
    {
        CheckKey(context.Request);
        using var place = _places.AttemptAcquire();
        if (!place.IsAcquired)
            throw new ApiError(StatusCodes.Status429TooManyRequests, "too_many_requests", "as many requests are being worked on as may; ask again later") { RetryAfter = Again };
        using var inFlight = _metrics.InFlight();
        await next(context);
    });

    public void Dispose() => _places.Dispose();

    private async Task Guarded(HttpContext context, Func<Task> handle)
    {
        try
        {
            await handle();
        }
        catch (ApiError e)
        {
            _metrics.CountRefused(e.Code);
            await e.WriteAsync(context);
        }
        catch (BadHttpRequestException e)
        {
            var error = new ApiError(e.StatusCode, e.StatusCode == StatusCodes.Status413PayloadTooLarge ? "body_too_large" : "bad_request", e.Message);
            _metrics.CountRefused(error.Code);
            await error.WriteAsync(context);
        }
        catch (Exception e) when (context.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException)
        {
            // The client is gone: there is nobody to tell.
            _metrics.CountRefused("client_gone");
        }
    }

    private void CheckKey(HttpRequest request)
    {
        if (!NeedsKey) return;
        const string Scheme = "Bearer ";
        var header = request.Headers.Authorization.ToString();
        var key = header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : "";
        if (key.Length is > 0 and <= LongestKey)
        {
            var hash = Hash(key);
            var isKnown = false;
            foreach (var known in _keys) isKnown |= CryptographicOperations.FixedTimeEquals(known, hash);
            if (isKnown) return;
        }
        var said = key.Length == 0 ? "no API key was shown: send the header 'Authorization: Bearer <key>'" : "the API key is not one that this box knows";
        throw new ApiError(StatusCodes.Status401Unauthorized, "invalid_api_key", said);
    }

    private static byte[][] Read(string file)
    {
        byte[][] keys = [.. File.ReadLines(file).Select(line => line.Trim()).Where(line => line.Length > 0 && !line.StartsWith('#')).Select(Hash)];
        return keys.Length > 0 ? keys : throw new ConfigException($"server: api_keys_file: '{file}' holds no key, so nobody could ask. Write one per line.");
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
