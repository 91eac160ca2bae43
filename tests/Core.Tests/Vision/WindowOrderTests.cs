using FsCheck;
using FsCheck.Fluent;
using Vlm.Vision;

namespace Vlm.Core.Tests.Vision;

public sealed class WindowOrderTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("f")]
    public void Windows_are_the_references(string name)
    {
        WindowOrder order = WindowOrder.For(Golden.Grid(name), Golden.Config.Vision);

        Assert.Equal(Golden.Tensors.ReadLongs($"trace.{name}.window_index"), order.Index.Select(cell => (long)cell));
        Assert.Equal(Golden.Tensors.ReadLongs($"trace.{name}.cu_window_seqlens"), order.Boundaries.Select(patch => (long)patch));
    }

    [Fact]
    public void Every_cell_is_in_one_window_of_at_most_4_by_4_cells()
    {
        Gen<PatchGrid> grids = from frames in Gen.Choose(1, 2) from rows in Gen.Choose(1, 15) from columns in Gen.Choose(1, 15) select new PatchGrid(frames, rows * 2, columns * 2);
        Prop.ForAll(Arb.From(grids), grid =>
        {
            WindowOrder order = WindowOrder.For(grid, Golden.Config.Vision);
            Assert.Equal(Enumerable.Range(0, grid.MergedTokens(2)), order.Index.Order());
            Assert.Equal((0, grid.Patches), (order.Boundaries[0], order.Boundaries[^1]));
            Assert.All(order.Boundaries.Zip(order.Boundaries.Skip(1)), window => Assert.InRange(window.Second - window.First, 4, 64));
        }).QuickCheckThrowOnFailure();
    }
}
