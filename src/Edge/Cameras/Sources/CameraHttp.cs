using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Vlm.Hosting;

namespace Vlm.Edge.Cameras.Sources;

/// <summary>A camera that is asked over HTTP.</summary>
/// <param name="Address">Where.</param>
/// <param name="User">Who asks; null for nobody.</param>
/// <param name="Password">Gives the password as it is now.</param>
internal sealed record CameraAddress(Uri Address, string? User, Func<string?> Password)
{
    /// <summary>File with the authorities to trust instead of the system's; null for those.</summary>
    public string? CaFile { get; init; }
}

/// <summary>Asks cameras over HTTP: basic and digest by the framework, nothing sent to anybody else, every failure with its reason.</summary>
internal static class CameraHttp
{
    private const int MostRedirects = 3;
    private const int MostHeaderKilobytes = 32;

    /// <summary>A client for one camera.</summary>
    /// <exception cref="SourceException">The password or the authorities cannot be read.</exception>
    public static HttpClient Client(CameraAddress camera, TimeSpan patience)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = patience,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            MaxResponseHeadersLength = MostHeaderKilobytes,
            MaxConnectionsPerServer = 2,
        };
        if (camera.User is { } user) handler.Credentials = new NetworkCredential(user, camera.Password() ?? "");
        if (camera.CaFile is { } file) handler.SslOptions.CertificateChainPolicy = Trust(file);
        // Its own patience covers the start of an answer alone.
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Asks for what is at the address, and follows to other addresses of the same camera.</summary>
    /// <returns>An answer with status 200, its body not read.</returns>
    /// <exception cref="SourceException">There is none.</exception>
    public static async Task<HttpResponseMessage> GetAsync(HttpClient client, Uri address, CancellationToken stop)
    {
        var at = address;
        for (var redirects = 0; redirects <= MostRedirects; redirects++)
        {
            HttpResponseMessage response;
            try
            {
                response = await client.GetAsync(at, HttpCompletionOption.ResponseHeadersRead, stop);
            }
            catch (HttpRequestException e)
            {
                throw OfError(e, at);
            }
            if (response.StatusCode == HttpStatusCode.OK) return response;
            using (response)
            {
                if (ToSameCamera(response, at) is not { } next) throw OfStatus(response, at);
                at = next;
            }
        }
        throw new SourceException(CameraReason.Redirected, $"{Shown(address)} sends on and on, {MostRedirects} times and more.");
    }

    /// <summary>A read that failed.</summary>
    public static SourceException OfError(Exception error, Uri address) => error switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } =>
            new SourceException(CameraReason.Unreachable, $"{Shown(address)} cannot be reached: {Innermost(error)}", error),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } =>
            new SourceException(CameraReason.Unreachable, $"{Shown(address)}: its certificate is not trusted: {Innermost(error)}", error),
        HttpIOException or IOException or SocketException or HttpRequestException =>
            new SourceException(CameraReason.Ended, $"{Shown(address)}: the connection broke: {Innermost(error)}", error),
        _ => new SourceException(CameraReason.Internal, error.Message, error),
    };

    /// <summary>An address without what may be a secret in it.</summary>
    public static string Shown(Uri address) => address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);

    private static X509ChainPolicy Trust(string file)
    {
        try
        {
            return Authorities.Of(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or CryptographicException)
        {
            throw new SourceException(CameraReason.Unreadable, $"ca_file: '{file}' cannot be used: {e.Message}", e);
        }
    }

    private static Uri? ToSameCamera(HttpResponseMessage response, Uri from)
    {
        if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location) return null;
        var to = new Uri(from, location);
        return Uri.Compare(from, to, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0 ? to : null;
    }

    private static SourceException OfStatus(HttpResponseMessage response, Uri at)
    {
        var status = (int)response.StatusCode;
        return status switch
        {
            401 or 403 => new SourceException(CameraReason.Unauthorized, $"{Shown(at)} lets nobody in so (status {status}). Check user and password."),
            404 or 410 => new SourceException(CameraReason.NotFound, $"There is nothing at {Shown(at)} (status {status}). Check the path."),
            >= 300 and < 400 => new SourceException(CameraReason.Redirected,
                $"{Shown(at)} sends to {(response.Headers.Location is { } to ? Shown(new Uri(at, to)) : "nowhere")}, which is not this camera. "
                + "If that is where it is, say so in its address."),
            _ => new SourceException(CameraReason.ServerError, $"{Shown(at)} answers with status {status}."),
        };
    }

    private static string Innermost(Exception error)
    {
        while (error.InnerException is { } inner) error = inner;
        return error.Message;
    }
}
