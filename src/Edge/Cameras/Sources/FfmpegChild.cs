using System.ComponentModel;
using System.Diagnostics;
using System.Threading.Channels;

namespace Vlm.Edge.Cameras.Sources;

/// <summary>What ffmpeg says of a picture that it hands out.</summary>
/// <param name="Integrity">Whether anything speaks against it.</param>
/// <param name="BetweenKeyFrames">As far as it is known of the stream.</param>
/// <param name="SizeChange">Sizes of the stream's pictures before and after they changed; null while they did not.</param>
internal sealed record FfmpegVerdict(FrameIntegrity Integrity, TimeSpan? BetweenKeyFrames, (string Before, string Now)? SizeChange)
{
    /// <summary>It says nothing.</summary>
    public static FfmpegVerdict None { get; } = new(FrameIntegrity.Damaged, null, null);
}

/// <summary>One run of ffmpeg: pictures come out of it until it ends or is killed.</summary>
/// <remarks>
/// Its end is no signal: it ends with 0 when a camera vanishes, and stays for minutes when one stalls. So nothing waits for it: whoever is done kills it
/// (SIGKILL; it ignores anything milder while it is blocked), waits a second at most and moves on. Two threads read its output; they end with it.
/// </remarks>
internal sealed class FfmpegChild : IAsyncDisposable
{
    private const int Reading = 64 << 10, LongestLine = 4096, MostVerdicts = 256;
    private static readonly TimeSpan Mourning = TimeSpan.FromSeconds(1);
    private readonly Process _process;
    private readonly int _maxBytes;
    private readonly TimeProvider _clock;
    private readonly Lock _lock = new();
    private readonly FfmpegComplaints _complaints = new();
    private readonly Channel<byte[]> _pictures = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(2) { SingleReader = true, SingleWriter = true });
    private readonly Channel<FfmpegVerdict> _verdicts = Channel.CreateBounded<FfmpegVerdict>(MostVerdicts);
    private readonly Task _errors, _output;

    private FfmpegChild(Process process, int maxBytes, TimeProvider clock)
    {
        (_process, _maxBytes, _clock) = (process, maxBytes, clock);
        // Threads of their own: reading a pipe cannot be given up, and would hold one of the pool's for as long as a camera stalls.
        _output = Task.Factory.StartNew(ReadPictures, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _errors = Task.Factory.StartNew(ReadErrors, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Its process, for tests.</summary>
    public int Id => _process.Id;

    /// <summary>The last line with an error; empty when there was none. May hold a password.</summary>
    public string LastError
    {
        get
        {
            lock (_lock) return _complaints.LastError;
        }
    }

    /// <summary>Starts it.</summary>
    /// <param name="program">Name or path of ffmpeg.</param>
    /// <param name="command">How it is called.</param>
    /// <param name="maxBytes">Of one picture.</param>
    /// <param name="clock">Its patience.</param>
    /// <exception cref="SourceException">It cannot be started.</exception>
    public static FfmpegChild Start(string program, FfmpegCommand command, int maxBytes, TimeProvider clock)
    {
        var start = new ProcessStartInfo(program, command.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetPathRoot(Environment.CurrentDirectory)!,
        };
        var path = Environment.GetEnvironmentVariable("PATH");
        start.Environment.Clear();
        if (path is not null) start.Environment["PATH"] = path;
        start.Environment["LC_ALL"] = "C";
        try
        {
            var process = Process.Start(start)!;
            var child = new FfmpegChild(process, maxBytes, clock);
            child.Tell(command.Input);
            return child;
        }
        catch (Win32Exception e)
        {
            throw new SourceException(CameraReason.FfmpegMissing,
                $"The program '{program}' cannot be started ({e.Message}). Install ffmpeg 5.1 or later, on Debian: apt-get install ffmpeg.", e);
        }
    }

    /// <summary>The next picture, and what ffmpeg says of it.</summary>
    /// <returns>Null when there will be none: it ended.</returns>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public async Task<(byte[] Picture, FfmpegVerdict Verdict)?> NextAsync(CancellationToken stop)
    {
        try
        {
            var picture = await _pictures.Reader.ReadAsync(stop);
            return (picture, await VerdictAsync(stop));
        }
        catch (ChannelClosedException e) when (e.InnerException is SourceException broken)
        {
            throw new SourceException(broken.Reason, broken.Message, broken);
        }
        catch (ChannelClosedException)
        {
            // What it said last is wanted for the reason.
            await Task.WhenAny(_errors, Task.Delay(Mourning, _clock, stop));
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.Kill();
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // It ended before.
        }
        _pictures.Writer.TryComplete();
        // The reading threads end when its pipes close; the runtime takes the child's end from the system then.
        var gone = Task.WhenAll(_output, _errors, _process.WaitForExitAsync(CancellationToken.None));
        await Task.WhenAny(gone, Task.Delay(Mourning, _clock));
        if (gone.IsCompleted) _process.Dispose();
        else _ = gone.ContinueWith(_ => _process.Dispose(), TaskScheduler.Default);
    }

    /// <summary>The verdict of the picture that was read; damaged when ffmpeg does not give one.</summary>
    private async Task<FfmpegVerdict> VerdictAsync(CancellationToken stop)
    {
        // It writes the verdict before the picture, but on another pipe.
        using var patience = new CancellationTokenSource(Mourning, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, stop);
        try
        {
            return await _verdicts.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return FfmpegVerdict.None;
        }
        catch (ChannelClosedException)
        {
            return FfmpegVerdict.None;
        }
    }

    private void Tell(string? input)
    {
        try
        {
            if (input is not null) _process.StandardInput.Write(input);
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended at once; the reason stands on its standard error.
        }
    }

    private void ReadPictures()
    {
        Exception? broken = null;
        try
        {
            var stream = _process.StandardOutput.BaseStream;
            var (buffer, held) = (new byte[Reading], 0);
            while (true)
            {
                if (held == buffer.Length) Array.Resize(ref buffer, (int)Math.Min(2L * buffer.Length, _maxBytes + (long)Reading));
                var read = stream.Read(buffer, held, buffer.Length - held);
                if (read == 0) break;
                held += read;
                held = TakePictures(buffer, held);
                if (held <= _maxBytes) continue;
                throw new SourceException(CameraReason.TooLarge, $"A picture has more than {_maxBytes} bytes, which is what max_bytes allows.");
            }
        }
        catch (Exception e) when (e is SourceException or IOException or ObjectDisposedException)
        {
            broken = e;
        }
        _pictures.Writer.TryComplete(broken);
    }

    /// <summary>Hands out the pictures at the start of a buffer.</summary>
    /// <returns>Bytes that are left, moved to its start.</returns>
    private int TakePictures(byte[] buffer, int held)
    {
        var at = 0;
        while (JpegShape.Measure(buffer.AsSpan(at, held - at)) is var length and not JpegShape.Unfinished)
        {
            if (length == JpegShape.Broken) throw new SourceException(CameraReason.FfmpegFailed, "What ffmpeg writes are no pictures.");
            var picture = buffer.AsSpan(at, length).ToArray();
            at += length;
            // When nobody reads, it waits here, and ffmpeg before its pipe; the end of the channel frees both.
            while (!_pictures.Writer.TryWrite(picture))
            {
                if (!_pictures.Writer.WaitToWriteAsync().AsTask().GetAwaiter().GetResult()) return 0;
            }
        }
        buffer.AsSpan(at, held - at).CopyTo(buffer);
        return held - at;
    }

    private void ReadErrors()
    {
        try
        {
            var reader = _process.StandardError;
            while (ReadLine(reader) is { } line)
            {
                lock (_lock)
                {
                    if (_complaints.Take(line) is { } integrity)
                        _verdicts.Writer.TryWrite(new FfmpegVerdict(integrity, _complaints.BetweenKeyFrames, _complaints.SizeChange));
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // It is gone.
        }
        _verdicts.Writer.TryComplete();
    }

    /// <summary>A line, cut where it becomes too long; null at the end.</summary>
    private static string? ReadLine(StreamReader reader)
    {
        var line = new System.Text.StringBuilder();
        while (reader.Read() is >= 0 and var letter)
        {
            if (letter == '\n') return line.ToString();
            if (line.Length < LongestLine && letter != '\r') line.Append((char)letter);
        }
        return line.Length > 0 ? line.ToString() : null;
    }
}
