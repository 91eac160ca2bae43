using Vlm.Statistics;

namespace Vlm.Core.Tests.Statistics;

public sealed class SinkhornTests
{
    [Fact]
    public void Rows_and_columns_of_a_balanced_matrix_sum_to_one()
    {
        var rng = SeededRandom.From(3);
        double[][] logs = [.. Enumerable.Range(0, 26).Select(_ => Enumerable.Range(0, 26).Select(_ => Math.Log(rng.NextDouble() + 1e-3)).ToArray())];
        var balanced = Sinkhorn.Balance(logs);
        Assert.All(balanced, row => Assert.Equal(1, row.Sum(), 1e-9));
        for (var column = 0; column < 26; column++) Assert.Equal(1, balanced.Sum(row => row[column]), 1e-6);
    }

    [Fact]
    public void Who_is_surely_read_elsewhere_is_not_the_one_in_doubt()
    {
        var balanced = Sinkhorn.Balance([[Math.Log(0.6), Math.Log(0.39), Math.Log(0.01)], [Math.Log(0.998), Math.Log(0.001), Math.Log(0.001)], [Math.Log(0.001), Math.Log(0.001), Math.Log(0.998)]]);
        Assert.True(balanced[0][1] > 0.95, $"{balanced[0][1]}");
    }

    [Fact]
    public void Other_shapes_are_refused() => Assert.Throws<ArgumentException>(() => Sinkhorn.Balance([[0, 0]]));
}
