using Vlm.Vision;

namespace Vlm.Core.Tests.Vision;

public sealed class PatchesTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("c")]
    [InlineData("d")]
    [InlineData("e")]
    [InlineData("f")]
    [InlineData("gray")]
    public void Patches_are_the_references_pixel_values(string name)
    {
        Patches patches = Patches.From(Golden.Picture(name), Golden.PictureConfig);

        float[] expected = Golden.Tensors.ReadFloats($"pixel_values.{name}");
        Assert.Equal(Golden.Grid(name), patches.Grid);
        Assert.Equal(expected.Length, patches.Values.Length);
        double worst = expected.Zip(patches.Values, (one, other) => Math.Abs((double)one - other)).Max();
        Assert.True(worst <= 1e-6, $"largest difference {worst}");
    }

    [Theory]
    [InlineData("big")]
    [InlineData("tiny")]
    [InlineData("rgba")]
    public void Grids_are_the_references(string name) => Assert.Equal(Golden.Grid(name), Patches.From(Golden.Picture(name), Golden.PictureConfig).Grid);

    [Fact]
    public void Positions_are_the_references()
    {
        Assert.Equal(Golden.Tensors.ReadLongs("trace.a.patch_row_column"), PatchPositions.For(Golden.Grid("a"), 2));
    }

    [Fact]
    public void Positions_name_every_patch_of_every_frame_once()
    {
        long[] positions = PatchPositions.For(new PatchGrid(2, 6, 4), 2);

        var places = positions.Chunk(2).Select((place, at) => (Frame: at / 24, Row: place[0], Column: place[1])).ToHashSet();
        Assert.Equal(48, places.Count);
        Assert.All(places, place => Assert.True(place.Row is >= 0 and < 6 && place.Column is >= 0 and < 4));
    }

    [Fact]
    public void A_grid_that_does_not_divide_into_blocks_is_refused() =>
        Assert.Contains("5x4", Assert.Throws<ArgumentException>(() => PatchPositions.For(new PatchGrid(1, 5, 4), 2)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_picture_must_have_a_byte_for_each_channel_of_each_pixel()
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => new RgbImage(4, 5, new byte[59]));

        Assert.Contains("4x5 has 60 bytes; 59 were given", error.Message, StringComparison.Ordinal);
    }
}
