using System.Runtime.CompilerServices;

namespace Vlm.Edge.Cameras.Sources;

/// <summary>A picture at an address, fetched again and again.</summary>
/// <param name="camera">Where.</param>
/// <param name="pace">How often, how long a picture may take, how large it may be.</param>
/// <param name="clock">Paces it.</param>
internal sealed class SnapshotSource(CameraAddress camera, SourcePace pace, TimeProvider clock) : IFrameSource
{
    /// <inheritdoc/>
    public Liveness Liveness => Liveness.Live;

    /// <inheritdoc/>
    public async IAsyncEnumerable<SourcePicture?> Pictures([EnumeratorCancellation] CancellationToken stop)
    {
        using var client = CameraHttp.Client(camera, pace.Patience);
        while (!stop.IsCancellationRequested)
        {
            var asked = clock.GetTimestamp();
            yield return await FetchAsync(client, stop);
            var rest = pace.Interval - clock.GetElapsedTime(asked);
            if (rest > TimeSpan.Zero) await Task.Delay(rest, clock, stop);
        }
    }

    private async Task<SourcePicture> FetchAsync(HttpClient client, CancellationToken stop)
    {
        using var patience = new CancellationTokenSource(pace.Patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, stop);
        try
        {
            using var response = await CameraHttp.GetAsync(client, camera.Address, either.Token);
            CheckType(response);
            return await ReadAsync(response, either.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            throw new SourceException(CameraReason.Timeout,
                $"{CameraHttp.Shown(camera.Address)} did not give a picture within {pace.Patience.TotalSeconds:F0} s.");
        }
    }

    private void CheckType(HttpResponseMessage response)
    {
        if (response.Content.Headers.ContentType?.MediaType is not { } type) return;
        if (type.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase))
        {
            throw new SourceException(CameraReason.NotAPicture,
                $"{CameraHttp.Shown(camera.Address)} gives a stream ({type}). Use it with mjpeg instead of snapshot.");
        }
        if (type.EndsWith("html", StringComparison.OrdinalIgnoreCase))
        {
            throw new SourceException(CameraReason.Html,
                $"{CameraHttp.Shown(camera.Address)} gives a page for people ({type}). Is it the address of the camera's settings, or of a login?");
        }
    }

    /// <summary>The body; a connection that breaks within a picture leaves a damaged one.</summary>
    private async Task<SourcePicture> ReadAsync(HttpResponseMessage response, CancellationToken stop)
    {
        if (response.Content.Headers.ContentLength > pace.MaxBytes) throw TooLarge(response.Content.Headers.ContentLength.Value);
        using var body = await response.Content.ReadAsStreamAsync(stop);
        var bytes = new byte[Math.Min(64 << 10, pace.MaxBytes + 1)];
        var length = 0;
        try
        {
            while (await body.ReadAsync(bytes.AsMemory(length), stop) is > 0 and var read)
            {
                length += read;
                if (length > pace.MaxBytes) throw TooLarge(length);
                if (length == bytes.Length) Array.Resize(ref bytes, (int)Math.Min(2L * length, pace.MaxBytes + 1L));
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            if (length == 0) throw CameraHttp.OfError(e, camera.Address);
            return PictureCheck.Of(bytes.AsMemory(0, length)) with { Integrity = FrameIntegrity.Damaged };
        }
        if (length == 0) throw new SourceException(CameraReason.NotAPicture, $"{CameraHttp.Shown(camera.Address)} gives nothing (0 bytes).");
        return PictureCheck.Of(bytes.AsMemory(0, length));
    }

    private SourceException TooLarge(long bytes) =>
        new(CameraReason.TooLarge, $"{CameraHttp.Shown(camera.Address)} gives {bytes} bytes or more; max_bytes allows {pace.MaxBytes}.");
}
