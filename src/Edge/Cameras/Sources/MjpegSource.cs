using System.Runtime.CompilerServices;

namespace Vlm.Edge.Cameras.Sources;

/// <summary>A stream of JPEGs over HTTP.</summary>
/// <param name="camera">Where.</param>
/// <param name="pace">How many of them, how long to wait for one, how large it may be.</param>
/// <param name="clock">Its patience.</param>
internal sealed class MjpegSource(CameraAddress camera, SourcePace pace, TimeProvider clock) : IFrameSource
{
    private const int Reading = 64 << 10;

    /// <inheritdoc/>
    public Liveness Liveness => Liveness.Live;

    /// <inheritdoc/>
    public async IAsyncEnumerable<SourcePicture?> Pictures([EnumeratorCancellation] CancellationToken stop)
    {
        using var client = CameraHttp.Client(camera, pace.Patience);
        using var response = await InTime(token => CameraHttp.GetAsync(client, camera.Address, token), stop);
        var type = response.Content.Headers.ContentType;
        CheckType(type?.MediaType);
        var parts = new MixedParts(type?.Parameters.FirstOrDefault(parameter => parameter.Name == "boundary")?.Value, pace.MaxBytes);
        using var body = await InTime(token => response.Content.ReadAsStreamAsync(token), stop);
        var buffer = new byte[Reading];
        // The time in which a picture must be whole, so that one that trickles is no sign of life.
        var whole = clock.GetTimestamp();
        long? given = null;
        while (true)
        {
            var read = await InTime(token => ReadAsync(body, buffer, token), stop, pace.Patience - clock.GetElapsedTime(whole));
            if (read == 0) yield break;
            parts.Add(buffer.AsSpan(0, read));
            while (parts.Next() is { } part)
            {
                whole = clock.GetTimestamp();
                // A camera that sends more than was asked for is heard now and then; a little early is in time.
                if (given is { } last && clock.GetElapsedTime(last) < pace.Interval * 0.9) continue;
                given = whole;
                yield return PictureCheck.Of(part);
            }
        }
    }

    private async Task<int> ReadAsync(Stream body, byte[] buffer, CancellationToken stop)
    {
        try
        {
            return await body.ReadAsync(buffer, stop);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw CameraHttp.OfError(e, camera.Address);
        }
    }

    private async Task<T> InTime<T>(Func<CancellationToken, Task<T>> ask, CancellationToken stop, TimeSpan? within = null)
    {
        var time = within is { } left && left < pace.Patience ? TimeSpan.FromTicks(Math.Max(left.Ticks, 1)) : pace.Patience;
        using var patience = new CancellationTokenSource(time, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, stop);
        try
        {
            return await ask(either.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            throw new SourceException(within is null ? CameraReason.Timeout : CameraReason.Stalled,
                $"{CameraHttp.Shown(camera.Address)}: no picture came for {pace.Patience.TotalSeconds:F0} s.");
        }
    }

    private void CheckType(string? type)
    {
        if (type?.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) ?? false) return;
        if (type?.EndsWith("html", StringComparison.OrdinalIgnoreCase) ?? false)
        {
            throw new SourceException(CameraReason.Html,
                $"{CameraHttp.Shown(camera.Address)} gives a page for people ({type}). Is it the address of the camera's settings, or of a login?");
        }
        throw new SourceException(CameraReason.NotAPicture, (type?.StartsWith("image/", StringComparison.OrdinalIgnoreCase) ?? false)
            ? $"{CameraHttp.Shown(camera.Address)} gives one picture ({type}). Use it with snapshot instead of mjpeg."
            : $"{CameraHttp.Shown(camera.Address)} gives '{type}'; a stream of the type multipart/x-mixed-replace is expected.");
    }
}
