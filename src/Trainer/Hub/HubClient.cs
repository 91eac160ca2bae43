using System.Net;
using System.Net.Http.Headers;

namespace Vlm.Trainer.Hub;

/// <summary>Asks a hub for lists and files. The token goes to the hub's own host and not to where it redirects.</summary>
internal sealed class HubClient : IDisposable
{
    private const int MostRedirects = 5;
    private const int ListBytes = 16 << 20;
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(60);

    private readonly HubPlace _place;
    private readonly TimeProvider _clock;
    private readonly HttpClient _client;

    public HubClient(HubPlace place, TimeProvider clock)
    {
        (_place, _clock) = (place, clock);
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(20) })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = ListBytes,
        };
        _client.DefaultRequestHeaders.UserAgent.ParseAdd("vlm-trainer/1");
    }

    /// <summary>What a repository holds at a branch, tag or commit.</summary>
    /// <exception cref="HubException">There is none, or it may not be seen.</exception>
    /// <exception cref="BrokenTransferException">The connection failed.</exception>
    public async Task<HubListing> ListAsync(string repository, string revision, CancellationToken cancellation)
    {
        var address = new Uri($"{_place.Base}/api/models/{repository}/revision/{Uri.EscapeDataString(revision)}?blobs=true");
        using var response = await GetAsync(address, from: 0, cancellation);
        Require(response, $"{repository} at '{revision}'");
        return HubListing.Read(repository, await ReadAsync(() => response.Content.ReadAsByteArrayAsync(cancellation)));
    }

    /// <summary>Appends what is missing of a file, from the stream's position on.</summary>
    /// <param name="address">Repository and commit.</param>
    /// <param name="file">Which.</param>
    /// <param name="target">What is there, at its end.</param>
    /// <param name="report">Hears of bytes that were written; fewer than none, where what was there had to be given up.</param>
    /// <param name="cancellation">Ends it; what has arrived stays.</param>
    /// <exception cref="HubException">The hub refuses.</exception>
    /// <exception cref="BrokenTransferException">The connection broke off; what has arrived stays.</exception>
    public async Task AppendAsync(
        (string Repository, string Commit) address, HubFile file, FileStream target, Action<long> report, CancellationToken cancellation)
    {
        var uri = new Uri($"{_place.Base}/{address.Repository}/resolve/{address.Commit}/{Uri.EscapeDataString(file.Name)}");
        using var response = await GetAsync(uri, target.Position, cancellation);
        Require(response, $"{file.Name} of {address.Repository}");
        if (target.Position > 0 && response.Content.Headers.ContentRange?.From != target.Position)
        {
            // The server does not go on where it was asked to: from the beginning then.
            report(-target.Position);
            target.SetLength(0);
        }
        await using var source = await ReadAsync(() => response.Content.ReadAsStreamAsync(cancellation));
        var buffer = new byte[1 << 17];
        while (target.Position < file.Bytes)
        {
            var read = await ReadAsync(() => ReadSoonAsync(source, buffer, cancellation));
            if (read == 0) throw new BrokenTransferException($"it ended {file.Bytes - target.Position} bytes too soon");
            if (read > file.Bytes - target.Position) throw new HubException($"{file.Name} is longer than the {file.Bytes} bytes that the hub listed.");
            await target.WriteAsync(buffer.AsMemory(0, read), cancellation);
            report(read);
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task<HttpResponseMessage> GetAsync(Uri address, long from, CancellationToken cancellation)
    {
        for (var redirects = 0; redirects <= MostRedirects; redirects++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            if (from > 0) request.Headers.Range = new RangeHeaderValue(from, null);
            if (_place.Token is { } token && address.Authority == _place.Endpoint.Authority && address.Scheme == _place.Endpoint.Scheme)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            var response = await ReadAsync(() => _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation));
            if ((int)response.StatusCode is < 300 or >= 400 || response.Headers.Location is not { } location) return response;
            response.Dispose();
            address = new Uri(address, location);
        }
        throw new HubException($"'{address}' is the end of more than {MostRedirects} redirects.");
    }

    private void Require(HttpResponseMessage response, string what)
    {
        if (response.IsSuccessStatusCode) return;
        var said = response.Headers.TryGetValues("X-Error-Message", out var messages) ? $" ({string.Join("; ", messages)})" : "";
        switch (response.StatusCode)
        {
            case HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden:
                throw new HubException($"{_place.Base} does not let {(_place.Token is null ? "strangers" : "this token")} have {what}{said}. "
                    + "Set HF_TOKEN or give --token-file; for a gated repository its terms must be accepted on its page first.");
            case HttpStatusCode.NotFound:
                throw new HubException($"{_place.Base} has no {what}{said}. Check the name and the revision; a private repository needs a token.");
            case HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError:
                throw new BrokenTransferException($"the server answered {(int)response.StatusCode}{said}") { RetryAfter = response.Headers.RetryAfter?.Delta };
            default:
                throw new HubException($"{_place.Base} answered {(int)response.StatusCode} to the request for {what}{said}.");
        }
    }

    /// <summary>A read that waits no longer than <see cref="Quiet"/>.</summary>
    private async Task<int> ReadSoonAsync(Stream source, byte[] buffer, CancellationToken cancellation)
    {
        using var quiet = new CancellationTokenSource(Quiet, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(quiet.Token, cancellation);
        try
        {
            return await source.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new BrokenTransferException($"nothing arrived for {Quiet.TotalSeconds:F0} s");
        }
    }

    /// <summary>What the network throws, told apart from what the disk throws.</summary>
    private static async Task<T> ReadAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new BrokenTransferException((e.InnerException ?? e).Message, e);
        }
    }
}

/// <summary>A transfer that may be tried again, going on where it broke off.</summary>
internal sealed class BrokenTransferException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>How long the server asks to wait; null when it does not say.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
