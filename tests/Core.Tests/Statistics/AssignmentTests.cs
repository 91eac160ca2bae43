using Vlm.Statistics;

namespace Vlm.Core.Tests.Statistics;

public sealed class AssignmentTests
{
    [Fact]
    public void The_sum_is_that_of_the_best_of_all_assignments()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var rng = SeededRandom.From(seed);
            var (rows, columns) = (rng.Between(1, 5), 6);
            double[][] scores = [.. Enumerable.Range(0, rows).Select(_ => Enumerable.Range(0, columns).Select(_ => (double)rng.Between(-9, 9)).ToArray())];
            var best = Assignment.Best(scores);
            Assert.Equal(rows, best.Distinct().Count());
            Assert.Equal(Greatest(scores, 0, []), best.Select((column, row) => scores[row][column]).Sum());
        }
    }

    [Fact]
    public void A_row_gives_way_where_it_loses_least() =>
        Assert.Equal([1, 0], Assignment.Best([[Math.Log(0.6), Math.Log(0.39), Math.Log(0.01)], [Math.Log(0.99), Math.Log(0.005), Math.Log(0.005)]]));

    [Fact]
    public void No_rows_have_no_columns_and_too_many_rows_are_refused()
    {
        Assert.Empty(Assignment.Best([]));
        Assert.Throws<ArgumentException>(() => Assignment.Best([[1], [2]]));
    }

    private static double Greatest(double[][] scores, int row, HashSet<int> taken) => row == scores.Length
        ? 0
        : Enumerable.Range(0, scores[row].Length)
            .Where(column => !taken.Contains(column)).Max(column => scores[row][column] + Greatest(scores, row + 1, [.. taken, column]));
}
