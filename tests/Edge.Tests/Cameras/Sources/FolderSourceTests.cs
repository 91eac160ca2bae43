using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Cameras;
using Vlm.Edge.Cameras.Sources;

namespace Vlm.Edge.Tests.Cameras.Sources;

public sealed class FolderSourceTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly TestFiles _files = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    [Fact]
    public async Task The_newest_picture_is_seen_again_and_again_until_there_is_a_newer_one()
    {
        Put("a.png", "a.png", 1);
        Put("b.png", "b.png", 2);
        await using var looks = Looks(_files.Folder);

        Assert.Null(await Next(looks));
        Assert.Equal(Bytes("b.png"), await Next(looks));
        Assert.Equal(Bytes("b.png"), await Next(looks));
        Put("c.png", "c.png", 3);
        Assert.Equal(Bytes("b.png"), await Next(looks));
        Assert.Equal(Bytes("c.png"), await Next(looks));
        File.Delete(_files.File("a.png"));
        File.Delete(_files.File("b.png"));
        File.Delete(_files.File("c.png"));
        Assert.Null(await Next(looks));
    }

    [Fact]
    public async Task A_file_that_still_grows_is_not_read()
    {
        await using var looks = Looks(_files.Folder);
        var whole = Bytes("a.png");
        Assert.Null(await Next(looks));
        foreach (var share in (int[])[1, 2, 3])
        {
            File.WriteAllBytes(_files.File("a.png"), whole[..(whole.Length * share / 4)]);
            Assert.Null(await Next(looks));
        }
        File.WriteAllBytes(_files.File("a.png"), whole);
        Assert.Null(await Next(looks));
        Assert.Equal(whole, await Next(looks));
    }

    [Fact]
    public async Task Files_that_are_no_pictures_by_name_are_left_alone()
    {
        File.WriteAllText(_files.File("notes.txt"), "notes");
        await using var looks = Looks(_files.Folder);

        Assert.Null(await Next(looks));
        Assert.Null(await Next(looks));
    }

    [Theory]
    [InlineData("page.jpg", "<html><body>", nameof(CameraReason.Html))]
    [InlineData("text.jpg", "none", nameof(CameraReason.NotAPicture))]
    public async Task A_file_that_only_has_the_name_of_a_picture_is_an_error_that_says_what_it_is(string name, string text, string reason)
    {
        File.WriteAllText(_files.File(name), text);
        await using var looks = Looks(_files.Folder);
        await Next(looks);

        Assert.Equal(reason, (await Assert.ThrowsAsync<SourceException>(() => Next(looks))).Reason.ToString());
    }

    [Fact]
    public async Task A_picture_above_the_limit_and_a_folder_that_is_gone_are_errors_that_name_them()
    {
        Put("a.png", "a.png", 1);
        await using var looks = Looks(_files.Folder, maxBytes: 100);
        await Next(looks);
        var large = await Assert.ThrowsAsync<SourceException>(() => Next(looks));
        await using var nowhere = Looks(_files.File("nowhere"));
        var gone = await Assert.ThrowsAsync<SourceException>(() => Next(nowhere));

        Assert.Equal((CameraReason.TooLarge, CameraReason.Unreadable), (large.Reason, gone.Reason));
        Assert.Contains("max_bytes allows 100", large.Message, StringComparison.Ordinal);
        Assert.Contains(_files.File("nowhere"), gone.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_file_can_stand_for_a_camera()
    {
        Put("a.png", "a.png", 1);
        await using var looks = Looks(_files.File("a.png"));

        Assert.Null(await Next(looks));
        Assert.Equal(Bytes("a.png"), await Next(looks));
    }

    public void Dispose()
    {
        _stop.Dispose();
        _files.Dispose();
    }

    private static byte[] Bytes(string name) => File.ReadAllBytes(TestFiles.Picture(name));

    private void Put(string picture, string name, int minute)
    {
        File.Copy(TestFiles.Picture(picture), _files.File(name), overwrite: true);
        File.SetLastWriteTimeUtc(_files.File(name), new DateTime(2026, 1, 1, 0, minute, 0, DateTimeKind.Utc));
    }

    private IAsyncEnumerator<SourcePicture?> Looks(string path, int maxBytes = 1 << 20) =>
        new FolderSource(path, new SourcePace(Second, Second, maxBytes), _clock).Pictures(_stop.Token).GetAsyncEnumerator(_stop.Token);

    /// <summary>The next look, a second later.</summary>
    private async Task<byte[]?> Next(IAsyncEnumerator<SourcePicture?> looks)
    {
        var next = looks.MoveNextAsync();
        if (!next.IsCompleted) _clock.Advance(Second);
        return await next ? looks.Current?.Encoded.ToArray() : throw new InvalidOperationException("The source ended");
    }
}
