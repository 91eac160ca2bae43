using System.Net;
using System.Security.Cryptography.X509Certificates;
using Vlm.Hosting;

namespace Vlm.Edge.Escalations;

/// <summary>The connection to one endpoint.</summary>
internal static class EndpointTls
{
    /// <summary>A handler that trusts the configured authorities alone and shows the configured certificate.</summary>
    /// <remarks>
    /// No redirects: they would turn the request into another, and carry the key to another host. No decompression: the limit on a reply is one on what is
    /// read.
    /// </remarks>
    public static SocketsHttpHandler Handler(EndpointOptions endpoint, EscalationOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = TimeSpan.FromSeconds(options.ConnectTimeoutSeconds),
            // A name may come to mean another address.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            MaxResponseHeadersLength = 32,
        };
        if (endpoint.CaFile is { } caFile) handler.SslOptions.CertificateChainPolicy = Authorities.Of(caFile);
        if (endpoint.ClientCertificateFile is { } certificate)
        {
            var own = X509Certificate2.CreateFromPemFile(certificate, endpoint.ClientKeyFile);
            handler.SslOptions.ClientCertificates = [own];
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => own;
        }

        return handler;
    }
}
