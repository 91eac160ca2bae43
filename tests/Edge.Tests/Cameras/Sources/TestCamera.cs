using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Vlm.Edge.Tests.Cameras.Sources;

/// <summary>What a test camera does.</summary>
internal enum TestCameraMode
{
    /// <summary>What it should.</summary>
    Play,

    /// <summary>It asks for a password first, by digest.</summary>
    Digest,

    /// <summary>It loses every twentieth packet.</summary>
    Loss,

    /// <summary>It loses a part of every key frame's second half until it is told to mend itself.</summary>
    Smear,

    /// <summary>It sends nothing more after some seconds, and keeps the connection.</summary>
    Stall,

    /// <summary>It closes the connection after some seconds.</summary>
    Drop,

    /// <summary>It takes connections and never answers.</summary>
    Hang,

    /// <summary>Its pictures are 640x480 after some seconds, and at every connection after the first.</summary>
    Grow,

    /// <summary>It answers, each connection otherwise, as a bad line or an attacker makes it of good answers; so it sends its video.</summary>
    Lie,
}

/// <summary>An IP camera that speaks RTSP (RFC 2326) over TCP, with a video of its own as MPEG-TS in RTP (payload 33, RFC 2250).</summary>
internal sealed partial class TestCamera : IAsyncDisposable
{
    public const string User = "box", Password = "it's a/secret@1";

    /// <summary>Seconds of its video, which has 10 pictures of 320x240 a second and a key frame every second.</summary>
    public const int Seconds = 30;

    private const int TsPacket = 188, TsPerRtp = 7, RtpHeader = 12;
    private const string Nonce = "7f0c";
    private static readonly TimeSpan Fault = TimeSpan.FromSeconds(6);
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly byte[] _video;
    private readonly TestCameraMode _mode;
    private readonly Task _running;
    private static int _small;
    private int _lies;

    private TestCamera(byte[] video, TestCameraMode mode)
    {
        (_video, _mode) = (video, mode);
        _listener.Start();
        _running = AcceptAsync();
    }

    /// <summary>Whether the program is there with which it makes its video, and which reads it.</summary>
    public static bool HasFfmpeg { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, "ffmpeg")));

    public string Address => $"rtsp://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/stream";

    /// <summary>Whether it does what it should from now on.</summary>
    public bool IsMended { get; set; }

    /// <summary>Connections so far.</summary>
    public int Connections { get; private set; }

    public static async Task<TestCamera> Start(TestCameraMode mode)
    {
        Assert.SkipUnless(HasFfmpeg, "ffmpeg is not installed");
        return new TestCamera(mode == TestCameraMode.Grow ? await Growing.Value : await Video.Value, mode);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _running;
        _listener.Dispose();
        _stop.Dispose();
    }

    /// <summary>Two slices a picture, as many cameras send them: what is lost of one smears half of it.</summary>
    private static Lazy<Task<byte[]>> Video { get; } = new(() => MakeAsync("320x240", 0, Seconds));

    /// <summary>The small ones take as many bytes as they take, so that they end where <see cref="_small"/> says.</summary>
    private static Lazy<Task<byte[]>> Growing { get; } = new(async () =>
    {
        var small = await MakeAsync("320x240", 0, 5);
        _small = small.Length;
        return [.. small, .. await MakeAsync("640x480", 5, Seconds)];
    });

    private static async Task<byte[]> MakeAsync(string size, int from, int to)
    {
        string[] arguments =
        [
            "-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", $"testsrc=size={size}:rate=10:duration={to - from}", "-vf", "format=yuv420p",
            "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-x264-params", "slices=2:sliced-threads=0:threads=1",
            "-output_ts_offset", $"{from}", "-f", "mpegts", "pipe:1",
        ];
        var start = new ProcessStartInfo("ffmpeg", arguments) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        using var video = new MemoryStream();
        await process.StandardOutput.BaseStream.CopyToAsync(video);
        return video.ToArray();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                Connections++;
                serving.Add(ServeAsync(client));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                var playing = Task.CompletedTask;
                while (await ReadHead(stream) is { } head)
                {
                    if (_mode == TestCameraMode.Hang) await Task.Delay(Timeout.Infinite, _stop.Token);
                    var (method, number) = (head.Split(' ')[0], Sequence().Match(head).Groups[1].Value);
                    var answer = Encoding.ASCII.GetBytes(Answer(method, head).Replace("@", number, StringComparison.Ordinal));
                    await stream.WriteAsync(_mode == TestCameraMode.Lie && method != "OPTIONS" ? Lie(answer) : answer, _stop.Token);
                    if (method == "PLAY") playing = PlayAsync(client, stream);
                }
                await playing;
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
            {
                // The box left, or the test is over.
            }
        }
    }

    /// <summary>Of two connections, one gets through to the video.</summary>
    private byte[] Lie(byte[] good) =>
        Connections % 2 == 0 && good[0] != '$' ? good : Mutations.Of(good, 1, seed: (ulong)(100 + Interlocked.Increment(ref _lies))).Single();

    private string Answer(string method, string head)
    {
        if (_mode == TestCameraMode.Digest && !IsAllowed(method, head))
            return $"RTSP/1.0 401 Unauthorized\r\nCSeq: @\r\nWWW-Authenticate: Digest realm=\"cam\", nonce=\"{Nonce}\"\r\n\r\n";
        const string Description = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:s0\r\n";
        return "RTSP/1.0 200 OK\r\nCSeq: @\r\n" + method switch
        {
            "OPTIONS" => "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n",
            "DESCRIBE" => $"Content-Type: application/sdp\r\nContent-Length: {Description.Length}\r\n\r\n{Description}",
            "SETUP" => "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 4711\r\n\r\n",
            _ => "Session: 4711\r\n\r\n",
        };
    }

    private static bool IsAllowed(string method, string head)
    {
        if (method == "OPTIONS") return true;
        var said = DigestPart().Matches(head).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        if (!said.TryGetValue("response", out var response) || !said.TryGetValue("uri", out var uri)) return false;
        return response == Md5($"{Md5($"{User}:cam:{Password}")}:{Nonce}:{Md5($"{method}:{uri}")}");
    }

    /// <summary>The video, again and again, as fast as it was recorded.</summary>
    private async Task PlayAsync(TcpClient client, NetworkStream stream)
    {
        var packets = _video.Skip(_mode == TestCameraMode.Grow && Connections > 1 ? _small : 0).Chunk(TsPacket * TsPerRtp).ToArray();
        var (began, clock) = (TimeProvider.System.GetTimestamp(), TimeProvider.System);
        for (var number = 0; number < packets.Length; number++)
        {
            var at = TimeSpan.FromSeconds(Seconds) * number / packets.Length;
            if (at > Fault && _mode == TestCameraMode.Stall) await Task.Delay(Timeout.Infinite, _stop.Token);
            if (at > Fault && _mode == TestCameraMode.Drop)
            {
                client.Close();
                return;
            }
            if (at - clock.GetElapsedTime(began) is var early && early > TimeSpan.Zero) await Task.Delay(early, _stop.Token);
            if (_mode == TestCameraMode.Loss && number % 20 == 7 && !IsMended) continue;
            var payload = _mode == TestCameraMode.Smear && !IsMended ? Smeared(packets[number]) : packets[number];
            if (payload.Length == 0) continue;
            var packet = Rtp(payload, number, clock.GetElapsedTime(began));
            await stream.WriteAsync(_mode == TestCameraMode.Lie && number % 5 == 3 ? Lie(packet) : packet, _stop.Token);
        }
    }

    private int _packetsOfKeyFrame = -1;

    /// <summary>Without one packet of every key frame, in its second slice.</summary>
    private byte[] Smeared(byte[] packets)
    {
        var left = new List<byte>();
        foreach (var packet in packets.Chunk(TsPacket))
        {
            var isVideo = (BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(1)) & 0x1FFF) == 0x100;
            var isStart = (packet[1] & 0x40) != 0;
            var isKey = isStart && (packet[3] & 0x20) != 0 && packet[4] > 0 && (packet[5] & 0x40) != 0;
            if (isVideo && isStart) _packetsOfKeyFrame = isKey ? 0 : -1;
            if (isVideo && _packetsOfKeyFrame >= 0 && _packetsOfKeyFrame++ == 25) continue;
            left.AddRange(packet);
        }
        return [.. left];
    }

    private static byte[] Rtp(byte[] payload, int number, TimeSpan at)
    {
        var packet = new byte[4 + RtpHeader + payload.Length];
        packet[0] = (byte)'$';
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)(RtpHeader + payload.Length));
        (packet[4], packet[5]) = (0x80, 33);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(6), (ushort)number);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(8), (uint)(at.TotalSeconds * 90_000));
        packet[15] = 1;
        payload.CopyTo(packet, 4 + RtpHeader);
        return packet;
    }

    private async Task<string?> ReadHead(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0) return null;
            head.Append((char)one[0]);
        }
        return head.ToString();
    }

#pragma warning disable CA5351 // MD5 is what cameras speak.
    private static string Md5(string text) => Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(text)));
#pragma warning restore CA5351

    [GeneratedRegex(@"CSeq: *(\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex Sequence();

    [GeneratedRegex("""(\w+)="([^"]*)"?""")]
    private static partial Regex DigestPart();
}
