using FsCheck;
using FsCheck.Fluent;
using Vlm.Edge.Cameras;

namespace Vlm.Edge.Tests.Cameras;

public sealed class JpegShapeTests
{
    private static readonly byte[] Picture = CameraPictures.Jpeg(1);

    [Fact]
    public void A_picture_ends_where_its_end_mark_is_whatever_follows()
    {
        Assert.Equal(Picture.Length, JpegShape.Measure(Picture));
        Assert.Equal(Picture.Length, JpegShape.Measure([.. Picture, .. Picture]));
        Assert.Equal(Picture.Length, JpegShape.Measure([.. Picture, 1, 2, 3]));
    }

    [Fact]
    public void Every_shorter_part_of_a_picture_is_unfinished()
    {
        for (var length = 0; length < Picture.Length; length++) Assert.Equal(JpegShape.Unfinished, JpegShape.Measure(Picture.AsSpan(0, length)));
        Assert.True(JpegShape.IsCutOff(Picture.AsSpan(0, Picture.Length / 2)));
        Assert.False(JpegShape.IsCutOff(Picture));
    }

    [Fact]
    public void What_is_no_picture_is_broken() => Assert.Equal(JpegShape.Broken, JpegShape.Measure("GIF89a"u8));

    [Fact]
    public void Whatever_the_bytes_are_an_end_lies_within_them() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(1000),
        Prop.ForAll(Gen.Choose(0, 1 << 30).ToArbitrary(), seed =>
        {
            foreach (var bytes in Mutations.Of(Picture, 3, (ulong)seed))
            {
                Assert.InRange(JpegShape.Measure(bytes), JpegShape.Broken, bytes.Length);
                JpegShape.Fingerprint(bytes);
            }
        }));

    [Fact]
    public void Pictures_are_the_same_when_their_pixels_are_whatever_is_written_beside_them()
    {
        Assert.Equal(JpegShape.Fingerprint(Picture), JpegShape.Fingerprint(CameraPictures.WithComment(Picture, "2026-12-01 10:00:00")));
        Assert.NotEqual(JpegShape.Fingerprint(Picture), JpegShape.Fingerprint(CameraPictures.Jpeg(2)));
        Assert.NotEqual(JpegShape.Fingerprint("one"u8), JpegShape.Fingerprint("two"u8));
    }
}
