using Vlm.Edge.Cameras;
using Vlm.Edge.Cameras.Sources;
using static Vlm.Edge.Tests.Cameras.Sources.ScriptedCamera;

namespace Vlm.Edge.Tests.Cameras.Sources;

public sealed class SnapshotSourceTests
{
    private static readonly byte[] Jpeg = CameraPictures.Jpeg(1);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("basic")]
    [InlineData("digest")]
    public async Task Pictures_are_fetched_again_and_again_with_user_and_password(string scheme)
    {
        await using var camera = await Start((context, _) =>
            (scheme == "basic" ? Basic(context) : Digest(context)) ? Picture(context, Jpeg) : Task.CompletedTask);

        var pictures = await Take(camera, 3);

        Assert.All(pictures, picture => Assert.Equal((FrameIntegrity.Intact, true), (picture.Integrity, picture.Encoded.Span.SequenceEqual(Jpeg))));
    }

    [Fact]
    public async Task A_certificate_of_ones_own_authority_is_trusted_only_when_the_authority_is_configured()
    {
        using var files = new TestFiles();
        using var authority = Certificates.Authority(files, "ca.pem");
        using var issued = Certificates.Issued(authority, "localhost");
        await using var camera = await Start((context, _) => Picture(context, Jpeg), issued);
        SnapshotSource Trusting(string? file) =>
            new(new CameraAddress(camera.Address, null, () => null) { CaFile = file }, Pace(20), TimeProvider.System);

        await foreach (var picture in Trusting(files.File("ca.pem")).Pictures(Stop))
        {
            Assert.Equal(FrameIntegrity.Intact, picture!.Integrity);
            break;
        }
        File.WriteAllText(files.File("empty.pem"), "");
        foreach (var (file, reason, said) in new[]
        {
            (null, CameraReason.Unreachable, "certificate is not trusted"), (files.File("empty.pem"), CameraReason.Unreadable, "found none"),
            (files.File("nowhere.pem"), CameraReason.Unreadable, "ca_file:"),
        })
        {
            var error = await Assert.ThrowsAsync<SourceException>(async () => await Trusting(file).Pictures(Stop).GetAsyncEnumerator(Stop).MoveNextAsync());
            Assert.Equal(reason, error.Reason);
            Assert.Contains(said, error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(401, "Unauthorized", "Check user and password")]
    [InlineData(404, "NotFound", "Check the path")]
    [InlineData(500, "ServerError", "status 500")]
    [InlineData(204, "ServerError", "status 204")]
    public async Task A_status_that_is_no_picture_says_what_to_do(int status, string reason, string said)
    {
        await using var camera = await Start((context, _) =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });

        await Fails(camera, reason, said);
    }

    [Fact]
    public async Task A_wrong_password_is_refused_and_stands_in_no_message()
    {
        await using var camera = await Start((context, _) => Digest(context) ? Picture(context, Jpeg) : Task.CompletedTask);

        var error = await Assert.ThrowsAsync<SourceException>(() => Take(camera, 1, password: "not-the-password"));

        Assert.Equal(CameraReason.Unauthorized, error.Reason);
        Assert.DoesNotContain("not-the-password", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_camera_that_sends_to_another_address_of_its_own_is_followed()
    {
        await using var camera = await Start((context, _) =>
        {
            if (context.Request.Path == "/other") return Picture(context, Jpeg);
            context.Response.Redirect("/other");
            return Task.CompletedTask;
        });

        Assert.Single(await Take(camera, 1));
    }

    [Fact]
    public async Task A_camera_that_sends_elsewhere_is_not_followed_and_elsewhere_hears_nothing()
    {
        await using var elsewhere = await Start((context, _) => Picture(context, Jpeg));
        await using var camera = await Start((context, _) =>
        {
            if (Basic(context)) context.Response.Redirect(elsewhere.Address.ToString());
            return Task.CompletedTask;
        });

        await Fails(camera, "Redirected", $"sends to {elsewhere.Address}, which is not this camera");
        Assert.Equal(0, elsewhere.Requests);
    }

    [Fact]
    public async Task A_camera_that_sends_round_and_round_is_left()
    {
        await using var camera = await Start((context, number) =>
        {
            context.Response.Redirect($"/{number}");
            return Task.CompletedTask;
        });

        await Fails(camera, "Redirected", "sends on and on");
    }

    [Theory]
    [InlineData("text/html", "<p>Log in", "Html")]
    [InlineData("image/jpeg", "\r\n<!DOCTYPE html><html>", "Html")]
    [InlineData("application/json", "{}", "NotAPicture")]
    [InlineData("image/jpeg", "", "NotAPicture")]
    [InlineData("multipart/x-mixed-replace; boundary=a", "--a", "NotAPicture")]
    public async Task What_is_no_picture_says_what_it_is(string type, string text, string reason)
    {
        await using var camera = await Start((context, _) => Picture(context, System.Text.Encoding.UTF8.GetBytes(text), type));

        await Fails(camera, reason, "");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_picture_above_the_limit_is_not_taken_in(bool isAnnounced)
    {
        await using var camera = await Start(async (context, _) =>
        {
            context.Response.ContentType = "image/jpeg";
            if (isAnnounced) context.Response.ContentLength = 1 << 30;
            while (true) await context.Response.Body.WriteAsync(new byte[64 << 10], context.RequestAborted);
        });

        await Fails(camera, "TooLarge", "max_bytes allows 1000000");
    }

    [Fact]
    public async Task Half_a_picture_is_damaged_whether_the_connection_breaks_or_not()
    {
        await using var breaks = await Start(async (context, _) =>
        {
            context.Response.ContentType = "image/jpeg";
            context.Response.ContentLength = Jpeg.Length;
            await context.Response.Body.WriteAsync(Jpeg.AsMemory(0, Jpeg.Length - 100), context.RequestAborted);
            // Less than it said: the server closes the connection.
        });
        await using var ends = await Start((context, _) => Picture(context, Jpeg[..^100]));

        Assert.Equal(FrameIntegrity.Damaged, (await Take(breaks, 1))[0].Integrity);
        Assert.Equal(FrameIntegrity.Damaged, (await Take(ends, 1))[0].Integrity);
    }

    [Theory]
    [InlineData("hang")]
    [InlineData("stall")]
    public async Task A_camera_that_does_not_answer_in_time_is_left(string fault)
    {
        await using var camera = await Start(async (context, _) =>
        {
            if (fault == "stall")
            {
                context.Response.ContentLength = Jpeg.Length;
                await context.Response.Body.WriteAsync(Jpeg.AsMemory(0, 10), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });

        var error = await Assert.ThrowsAsync<SourceException>(() => Take(camera, 1, patience: 0.5));

        Assert.Equal(CameraReason.Timeout, error.Reason);
    }

    [Fact]
    public async Task A_camera_that_is_off_is_unreachable()
    {
        using var nobody = Escalations.ScriptedEndpoint.SilentPort(out var port);
        var address = new CameraAddress(new Uri($"http://127.0.0.1:{port}/picture?pwd=hidden"), null, () => null);
        var source = new SnapshotSource(address, Pace(5), TimeProvider.System);

        var error = await Assert.ThrowsAsync<SourceException>(async () => await source.Pictures(Stop).FirstAsync(Stop));

        Assert.Equal(CameraReason.Unreachable, error.Reason);
        Assert.DoesNotContain("hidden", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sizes_may_change_from_picture_to_picture()
    {
        await using var camera = await Start((context, number) => Picture(context, CameraPictures.Jpeg(1, 64 * number, 48)));

        Assert.Equal([64, 128], (await Take(camera, 2)).Select(picture => Vision.ImageCodec.Peek(picture.Encoded.Span)!.Width));
    }

    private static SourcePace Pace(double patience) => new(TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(patience), 1_000_000);

    private static async Task<SourcePicture[]> Take(ScriptedCamera camera, int count, double patience = 30, string password = Password)
    {
        var source = new SnapshotSource(new CameraAddress(camera.Address, User, () => password), Pace(patience), TimeProvider.System);
        return [.. (await source.Pictures(Stop).Take(count).ToArrayAsync(Stop)).Select(picture => picture!)];
    }

    private static async Task Fails(ScriptedCamera camera, string reason, string said)
    {
        var error = await Assert.ThrowsAsync<SourceException>(() => Take(camera, 1));
        Assert.Equal(reason, error.Reason.ToString());
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }
}
