using FsCheck;
using FsCheck.Fluent;
using Vlm.Edge.Cameras;
using Vlm.Edge.Cameras.Sources;
using Vlm.Statistics;
using static Vlm.Edge.Tests.Cameras.Sources.ScriptedCamera;

namespace Vlm.Edge.Tests.Cameras.Sources;

public sealed class MjpegSourceTests
{
    private const int MaxBytes = 100_000;
    private static readonly byte[] Jpeg = CameraPictures.Jpeg(1);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pictures_come_as_they_are_sent_until_the_stream_ends()
    {
        await using var camera = await Start(async (context, _) =>
        {
            if (!Digest(context)) return;
            await Stream(context);
            foreach (var number in (int[])[1, 2, 3]) await Part(context, CameraPictures.Jpeg(number), CameraPictures.Jpeg(number).Length);
            await context.Response.Body.WriteAsync("--frame--\r\n"u8.ToArray(), Stop);
        });

        var pictures = await Source(camera).Pictures(Stop).ToArrayAsync(Stop);

        Assert.Equal(3, pictures.Length);
        foreach (var (index, picture) in pictures.Index()) Assert.True(picture!.Encoded.Span.SequenceEqual(CameraPictures.Jpeg(index + 1)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(1_000_000)]
    [InlineData(int.MaxValue)]
    public async Task A_lie_about_the_size_of_a_picture_harms_none(int? said)
    {
        await using var camera = await Start(async (context, _) =>
        {
            await Stream(context);
            foreach (var number in (int[])[1, 2]) await Part(context, CameraPictures.Jpeg(number), said);
            await Part(context, Jpeg, Jpeg.Length);
            await context.Response.Body.WriteAsync("--frame\r\n"u8.ToArray(), Stop);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });

        var pictures = await Source(camera).Pictures(Stop).Take(3).ToArrayAsync(Stop);

        Assert.All(pictures, picture => Assert.Equal(FrameIntegrity.Intact, picture!.Integrity));
        Assert.True(pictures[0]!.Encoded.Span.SequenceEqual(Jpeg));
    }

    [Fact]
    public async Task Half_a_picture_is_damaged_and_the_next_one_is_not()
    {
        await using var camera = await Start(async (context, _) =>
        {
            await Stream(context);
            await Part(context, Jpeg[..^50], Jpeg.Length);
            await Part(context, Jpeg, Jpeg.Length);
            await context.Response.Body.WriteAsync("--frame--\r\n"u8.ToArray(), Stop);
        });

        var pictures = await Source(camera).Pictures(Stop).ToArrayAsync(Stop);

        Assert.Equal([FrameIntegrity.Damaged, FrameIntegrity.Intact], pictures.Select(picture => picture!.Integrity));
    }

    [Theory]
    [InlineData("hang", "Timeout")]
    [InlineData("stall", "Stalled")]
    [InlineData("trickle", "Stalled")]
    [InlineData("endless", "TooLarge")]
    [InlineData("snapshot", "NotAPicture")]
    [InlineData("html", "Html")]
    [InlineData("page", "Html")]
    [InlineData("boundary", "NotAPicture")]
    [InlineData("break", "Ended")]
    public async Task A_stream_that_goes_wrong_ends_with_its_reason(string fault, string reason)
    {
        await using var camera = await Start((context, _) => fault switch
        {
            "snapshot" => Picture(context, Jpeg),
            "html" => Picture(context, "<html>"u8.ToArray(), "text/html"),
            "boundary" => Picture(context, Jpeg, "multipart/x-mixed-replace"),
            "hang" => Task.Delay(Timeout.Infinite, context.RequestAborted),
            _ => GoesWrong(context, fault),
        });

        var error = await Assert.ThrowsAsync<SourceException>(async () =>
            await Source(camera, patience: fault is "hang" or "stall" or "trickle" ? 0.5 : 30).Pictures(Stop).ToArrayAsync(Stop));

        Assert.Equal(reason, error.Reason.ToString());
    }

    [Fact]
    public async Task A_camera_that_sends_more_than_was_asked_for_is_heard_now_and_then()
    {
        await using var camera = await Start(async (context, _) =>
        {
            await Stream(context);
            for (var i = 0; i < 50; i++) await Part(context, Jpeg, Jpeg.Length);
            await context.Response.Body.WriteAsync("--frame--\r\n"u8.ToArray(), Stop);
        });
        var source = new MjpegSource(new CameraAddress(camera.Address, null, () => null),
            new SourcePace(TimeSpan.FromHours(1), TimeSpan.FromSeconds(30), MaxBytes), TimeProvider.System);

        Assert.Single(await source.Pictures(Stop).ToArrayAsync(Stop));
    }

    [Fact]
    public void Parts_are_found_however_their_bytes_are_cut() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(60),
        Prop.ForAll(Gen.Choose(0, 1 << 30).ToArbitrary(), seed =>
        {
            var random = new SeededRandom((ulong)seed);
            byte[][] parts = [.. Enumerable.Range(0, 1 + random.Next(5)).Select(_ => Bytes(random, 1 + random.Next(3000)))];
            var isAnnounced = random.Next(2) == 0;
            var end = random.Next(2) == 0 ? "\r\n" : "\n";
            var stream = parts.SelectMany(part => (byte[])
                [.. Ascii($"--cut{end}Content-Type: image/jpeg{end}{(isAnnounced ? $"Content-Length: {part.Length}{end}" : "")}{end}"), .. part, .. Ascii(end)])
                .Concat(Ascii($"--cut--{end}")).ToArray();

            Assert.Equal(parts.Select(Convert.ToHexString), Read(stream, random).Select(Convert.ToHexString));
        }));

    [Fact]
    public void Any_bytes_are_parts_or_an_error_with_a_reason()
    {
        var good = Ascii("--cut\r\nContent-Length: 4\r\n\r\nabcd\r\n--cut\r\n\r\nefgh\r\n--cut--\r\n");
        var random = new SeededRandom(5);
        foreach (var stream in Mutations.Of(good, 3000, seed: 12))
        {
            try
            {
                Assert.All(Read(stream, random), part => Assert.InRange(part.Length, 1, MaxBytes));
            }
            catch (SourceException e)
            {
                Assert.Equal(CameraReason.TooLarge, e.Reason);
            }
        }
    }

    private static async Task GoesWrong(Microsoft.AspNetCore.Http.HttpContext context, string fault)
    {
        await Stream(context);
        switch (fault)
        {
            case "page":
                await Part(context, "<html><body>Log in</body>"u8.ToArray(), null);
                await context.Response.Body.WriteAsync("--frame\r\n"u8.ToArray(), Stop);
                break;
            case "trickle":
                await context.Response.Body.WriteAsync("--frame\r\n\r\n"u8.ToArray(), context.RequestAborted);
                while (true)
                {
                    await context.Response.Body.WriteAsync(new byte[1], context.RequestAborted);
                    await context.Response.Body.FlushAsync(context.RequestAborted);
                    await Task.Delay(20, context.RequestAborted);
                }
            case "endless":
                await context.Response.Body.WriteAsync("--frame\r\n\r\n"u8.ToArray(), context.RequestAborted);
                while (true) await context.Response.Body.WriteAsync(new byte[10_000], context.RequestAborted);
            case "break":
                await Part(context, Jpeg, Jpeg.Length);
                context.Abort();
                return;
        }
        if (fault != "stall") return;
        await Part(context, Jpeg, Jpeg.Length);
        await Task.Delay(Timeout.Infinite, context.RequestAborted);
    }

    private static List<byte[]> Read(byte[] stream, SeededRandom random)
    {
        var parts = new MixedParts("\"--cut\"", MaxBytes);
        var found = new List<byte[]>();
        for (var at = 0; at < stream.Length;)
        {
            var length = Math.Min(1 + random.Next(random.Next(2) == 0 ? 3 : 2000), stream.Length - at);
            parts.Add(stream.AsSpan(at, length));
            at += length;
            while (parts.Next() is { } part) found.Add(part);
        }
        return found;
    }

    /// <summary>As a JPEG, they end with a mark and not with the end of a line.</summary>
    private static byte[] Bytes(SeededRandom random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => random.Next(4) == 0 ? (byte)"\r\n-c"[random.Next(4)] : (byte)random.Next(256)), 0xFF, 0xD9];

    private static byte[] Ascii(string text) => System.Text.Encoding.ASCII.GetBytes(text);

    private static MjpegSource Source(ScriptedCamera camera, double patience = 30) =>
        new(new CameraAddress(camera.Address, User, () => Password), new SourcePace(TimeSpan.Zero, TimeSpan.FromSeconds(patience), MaxBytes),
            TimeProvider.System);
}
