namespace Vlm.Statistics;

/// <summary>Balances a square matrix of probabilities: rows and columns then sum to 1.</summary>
/// <remarks>
/// Sinkhorn (1964). Of independent beliefs about every row, and the knowledge that rows and columns match one to one, it gives about the belief about each pair
/// (the exact one needs permanents; Mena et al., arXiv 1802.08665).
/// </remarks>
public static class Sinkhorn
{
    private const int Rounds = 60;

    // What a softmax calls impossible is only very unlikely; and a matrix with too many zeros cannot be balanced.
    private const double Least = 1e-7;

    /// <summary>
    /// Balances where rows have one column more that is never used up: rows then sum to 1, the other columns to at most 1. What the free column gets is what is
    /// left when no two rows may share one of the others.
    /// </summary>
    /// <param name="logs">[n][m + 1] natural logarithms of probabilities, the free column last.</param>
    /// <returns>[n][m + 1] in (0, 1).</returns>
    public static double[][] BalanceWithFree(IReadOnlyList<double[]> logs)
    {
        ArgumentNullException.ThrowIfNull(logs);
        double[][] balanced = [.. logs.Select(row => Array.ConvertAll(row, log => Math.Max(Least, Math.Exp(log))))];
        for (var round = 0; round < Rounds && balanced.Length > 0; round++)
        {
            for (var column = 0; column < balanced[0].Length - 1; column++)
            {
                var sum = balanced.Sum(row => row[column]);
                if (sum <= 1) continue;
                foreach (var row in balanced) row[column] /= sum;
            }

            foreach (var row in balanced)
            {
                var sum = row.Sum();
                for (var column = 0; column < row.Length; column++) row[column] /= sum;
            }
        }

        return balanced;
    }

    /// <summary>The balanced matrix.</summary>
    /// <param name="logs">[n][n] natural logarithms of probabilities.</param>
    /// <returns>[n][n] in (0, 1).</returns>
    public static double[][] Balance(IReadOnlyList<double[]> logs)
    {
        ArgumentNullException.ThrowIfNull(logs);
        if (logs.Any(row => row.Length != logs.Count))
            throw new ArgumentException($"Expected a square matrix, found {logs.Count} rows of {logs.Max(row => row.Length)} at most.", nameof(logs));
        double[][] balanced = [.. logs.Select(row => Array.ConvertAll(row, log => Math.Max(Least, Math.Exp(log))))];
        for (var round = 0; round < Rounds; round++)
        {
            for (var column = 0; column < balanced.Length; column++)
            {
                var sum = balanced.Sum(row => row[column]);
                foreach (var row in balanced) row[column] /= sum;
            }

            foreach (var row in balanced)
            {
                var sum = row.Sum();
                for (var column = 0; column < row.Length; column++) row[column] /= sum;
            }
        }

        return balanced;
    }
}
