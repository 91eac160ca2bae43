namespace Vlm.Statistics;

/// <summary>Gives every row a column of its own, so that the scores taken together are greatest.</summary>
/// <remarks>The Hungarian algorithm with potentials (Kuhn 1955, Munkres 1957), O(rows² · columns).</remarks>
public static class Assignment
{
    /// <summary>The best assignment.</summary>
    /// <param name="scores">[rows][columns] finite numbers, rows of equal length, at least as many columns as rows.</param>
    /// <returns>[rows] the column of every row, no column twice.</returns>
    public static int[] Best(IReadOnlyList<double[]> scores)
    {
        ArgumentNullException.ThrowIfNull(scores);
        var columns = scores.Count == 0 ? 0 : scores[0].Length;
        if (scores.Count > columns && scores.Count > 0 || scores.Any(row => row.Length != columns))
        {
            throw new ArgumentException($"Expected rows of equal length and at least as many columns as rows; found {scores.Count} rows of {columns}.", nameof(
                scores));
        }
        // One-based, as the published algorithm: column 0 holds the row that looks for a place.
        var (rowPotential, columnPotential, rowOf) = (new double[scores.Count + 1], new double[columns + 1], new int[columns + 1]);
        for (var row = 1; row <= scores.Count; row++) Place(row, scores, rowPotential, columnPotential, rowOf);
        var result = new int[scores.Count];
        for (var column = 1; column <= columns; column++)
        {
            if (rowOf[column] > 0) result[rowOf[column] - 1] = column - 1;
        }

        return result;
    }

    /// <summary>Finds the cheapest chain of moves that ends at a free column, and makes them.</summary>
    private static void Place(int newRow, IReadOnlyList<double[]> scores, double[] rowPotential, double[] columnPotential, int[] rowOf)
    {
        var (slack, from, isDone) = (new double[rowOf.Length], new int[rowOf.Length], new bool[rowOf.Length]);
        Array.Fill(slack, double.PositiveInfinity);
        rowOf[0] = newRow;
        var column = 0;
        // Every turn finishes a column.
        do
        {
            isDone[column] = true;
            var (row, step, next) = (rowOf[column], double.PositiveInfinity, 0);
            for (var j = 1; j < rowOf.Length; j++)
            {
                if (isDone[j]) continue;
                var cost = -scores[row - 1][j - 1] - rowPotential[row] - columnPotential[j];
                if (cost < slack[j]) (slack[j], from[j]) = (cost, column);
                if (slack[j] < step) (step, next) = (slack[j], j);
            }

            for (var j = 0; j < rowOf.Length; j++)
            {
                if (!isDone[j]) slack[j] -= step;
                else (rowPotential[rowOf[j]], columnPotential[j]) = (rowPotential[rowOf[j]] + step, columnPotential[j] - step);
            }

            column = next;
        }
        while (rowOf[column] != 0);

        for (; column != 0; column = from[column]) rowOf[column] = rowOf[from[column]];
    }
}
