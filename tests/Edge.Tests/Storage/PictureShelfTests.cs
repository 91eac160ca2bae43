using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Storage;

namespace Vlm.Edge.Tests.Storage;

public sealed class PictureShelfTests : IDisposable
{
    private readonly TestFiles _files = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_picture_is_kept_once_and_found_by_its_name_after_a_restart()
    {
        var name = Open(new()).Keep([1, 2, 3])!;
        Assert.Equal(name, Open(new()).Keep([1, 2, 3]));
        Assert.Single(Directory.GetFiles(_files.File("pictures")));
        Assert.Equal([1, 2, 3], Open(new()).Find(name));
        foreach (var none in (string[])["", "../answers.db", new string('a', 64), name.ToUpperInvariant()]) Assert.Null(Open(new()).Find(none));
    }

    [Fact]
    public void The_oldest_go_when_there_are_too_many_bytes_and_what_is_too_old_goes()
    {
        var shelf = Open(new PictureShelfOptions { MaxBytes = 1000, Days = 1 });
        var names = new List<string>();
        for (var i = 0; i < 12; i++)
        {
            names.Add(shelf.Keep([(byte)i, .. new byte[99]])!);
            _time.Advance(TimeSpan.FromMinutes(1));
        }
        Assert.Equal((true, true), (shelf.Find(names[0]) is null, shelf.Find(names[^1]) is not null));
        Assert.InRange(Directory.GetFiles(_files.File("pictures")).Length, 9, 10);

        _time.Advance(TimeSpan.FromDays(1));
        Assert.Null(Open(new PictureShelfOptions { Days = 1 }).Find(names[^1]));
    }

    [Fact]
    public void With_less_free_disk_than_the_reserve_none_is_kept_and_nothing_throws()
    {
        Assert.Null(Open(new PictureShelfOptions { ReserveBytes = long.MaxValue / 2 }).Keep([1]));
        File.WriteAllText(_files.File("file"), "a file where the folder should be");
        Assert.Null(new PictureShelf(_files.File("file"), new(), _time).Keep([1]));
    }

    // The disk of the test may be fuller than the default reserve allows.
    private PictureShelf Open(PictureShelfOptions options) =>
        new(_files.File("pictures"), options with { ReserveBytes = Math.Max(0, options.ReserveBytes - (256L << 20)) }, _time);
}
