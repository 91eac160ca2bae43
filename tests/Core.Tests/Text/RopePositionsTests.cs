using Vlm.Model;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Core.Tests.Text;

public sealed class RopePositionsTests
{
    private static readonly VlmConfig Config = Golden.Config;

    [Theory]
    [InlineData("one", "a")]
    [InlineData("window", "b")]
    [InlineData("two", "c", "d")]
    [InlineData("odd", "e")]
    [InlineData("square", "f")]
    [InlineData("text")]
    public void Positions_and_delta_are_the_references(string name, params string[] pictures)
    {
        RopePositions positions = RopePositions.For(Ids(name), [.. pictures.Select(Golden.Grid)], Config);

        Assert.Equal(Golden.Tensors.ReadLongs($"positions.{name}"), positions.Values);
        Assert.Equal(Golden.Tensors.ReadLongs($"delta.{name}").Single(), positions.Delta);
    }

    [Theory]
    [InlineData(0, "a")]
    [InlineData(1, "e")]
    public void Padding_on_the_left_leaves_positions_and_delta_alone(int row, string picture)
    {
        int[] ids = Ids("batch");
        long[] mask = Golden.Tensors.ReadLongs("mask.batch");
        long[] expected = Golden.Tensors.ReadLongs("positions.batch");
        int length = ids.Length / 2;
        int[] kept = [.. Enumerable.Range(0, length).Where(at => mask[row * length + at] == 1)];

        RopePositions positions = RopePositions.For([.. kept.Select(at => ids[row * length + at])], [Golden.Grid(picture)], Config);

        for (int axis = 0; axis < 3; axis++)
            Assert.Equal(kept.Select(at => expected[(axis * 2 + row) * length + at]), positions.Values[(axis * kept.Length)..((axis + 1) * kept.Length)]);
        Assert.Equal(Golden.Tensors.ReadLongs("delta.batch")[row], positions.Delta);
    }

    [Fact]
    public void Pictures_may_follow_each_other_directly()
    {
        RopePositions positions = RopePositions.For([300, 300, 300, 300, 300, 7], [new PatchGrid(1, 4, 4), new PatchGrid(1, 2, 2)], Config);

        Assert.Equal([0, 0, 0, 0, 2, 3], positions.Values[..6]);
        Assert.Equal([0, 0, 1, 1, 2, 3], positions.Values[6..12]);
        Assert.Equal([0, 1, 0, 1, 2, 3], positions.Values[12..]);
        Assert.Equal(-2, positions.Delta);
    }

    [Fact]
    public void No_tokens_have_no_positions() => Assert.Equal((0, 0L), (RopePositions.For([], [], Config).Length, RopePositions.For([], [], Config).Delta));

    [Fact]
    public void Image_tokens_must_be_those_of_the_pictures()
    {
        PatchGrid four = new(1, 4, 4);
        Assert.Contains("needs 4 image tokens (id 300) in one run; the prompt has 3", Refused([301, 300, 300, 300, 302], four), StringComparison.Ordinal);
        Assert.Contains("the prompt has 2", Refused([300, 300, 5, 300, 300], four), StringComparison.Ordinal);
        Assert.Contains("the prompt has 0", Refused([1, 2], four), StringComparison.Ordinal);
        Assert.Contains("more image tokens (id 300) than its 1 pictures need", Refused([300, 300, 300, 300, 300], four), StringComparison.Ordinal);
        Assert.Contains("more image tokens", Refused([300]), StringComparison.Ordinal);
        Assert.Contains("film", Refused([303]), StringComparison.Ordinal);
    }

    private static string Refused(int[] ids, params PatchGrid[] grids) => Assert.Throws<ArgumentException>(() => RopePositions.For(ids, grids, Config)).Message;

    private static int[] Ids(string name) => [.. Golden.Tensors.ReadLongs($"ids.{name}").Select(id => (int)id)];
}
