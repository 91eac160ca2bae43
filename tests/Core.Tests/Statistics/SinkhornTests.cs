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
    public void With_a_free_column_rows_sum_to_one_and_no_other_column_to_more()
    {
        var rng = SeededRandom.From(3);
        double[][] logs = [.. Enumerable.Range(0, 26).Select(_ => Enumerable.Range(0, 27).Select(_ => Math.Log(rng.NextDouble() + 1e-3)).ToArray())];
        var balanced = Sinkhorn.BalanceWithFree(logs);
        Assert.All(balanced, row => Assert.Equal(1, row.Sum(), 1e-9));
        for (var column = 0; column < 26; column++) Assert.InRange(balanced.Sum(row => row[column]), 0, 1.001);
    }

    [Fact]
    public void Where_nothing_wants_the_free_column_it_is_as_if_there_were_none()
    {
        var rng = SeededRandom.From(5);
        double Draw(bool isLikely) => Math.Log((isLikely ? 3 : 0.2) * (rng.NextDouble() + 0.1));
        double[][] logs = [.. Enumerable.Range(0, 12).Select(row => Enumerable.Range(0, 12).Select(column => Draw(row == column)).ToArray())];
        logs = [.. logs.Select(row => Array.ConvertAll(row, log => log - Math.Log(row.Sum(Math.Exp))))];
        var (plain, free) = (Sinkhorn.Balance(logs), Sinkhorn.BalanceWithFree([.. logs.Select(row => (double[])[.. row, -40])]));
        for (var row = 0; row < 12; row++)
        {
            for (var column = 0; column < 12; column++) Assert.Equal(plain[row][column], free[row][column], 0.02);
        }
    }

    [Fact]
    public void Who_is_surely_read_elsewhere_is_not_the_one_in_doubt()
    {
        var balanced = Sinkhorn.Balance([[Math.Log(0.6), Math.Log(0.39), Math.Log(0.01)], [Math.Log(0.998), Math.Log(0.001), Math.Log(0.001)],
            [Math.Log(0.001), Math.Log(0.001), Math.Log(0.998)]]);
        Assert.True(balanced[0][1] > 0.95, $"{balanced[0][1]}");
    }

    [Fact]
    public void Other_shapes_are_refused() => Assert.Throws<ArgumentException>(() => Sinkhorn.Balance([[0, 0]]));
}
