namespace Vlm.Statistics;

/// <summary>The probability of "yes" as a logistic function of a weighted sum.</summary>
/// <param name="Weights">[F] one per feature.</param>
/// <param name="Intercept">What is added to the sum.</param>
public sealed record LogisticRegression(IReadOnlyList<double> Weights, double Intercept)
{
    // Newton's steps on a convex function: six to ten are usual, separable data with a weak penalty take up to thirty.
    private const int MostSteps = 100;
    private const int MostHalvings = 40;
    private const double Converged = 1e-9;

    /// <summary>The probability of "yes", 0 to 1.</summary>
    /// <param name="features">[F] in the order of the weights.</param>
    public double Probability(IReadOnlyList<double> features) => Sigmoid(Score(features));

    /// <summary>
    /// Minimises the sum of log losses + ‖weights‖² / (2C), the intercept not penalised, by Newton's method (iteratively reweighted least squares).
    /// </summary>
    /// <remarks>
    /// With weights of at least 0, by projected Newton steps (Bertsekas, SIAM J. Control Optim. 20, 1982): a weight that is 0 and whose slope would push it
    /// below stays there, the others take Newton's step among themselves, and the step is cut at 0. Where it ends, every weight above 0 has slope 0 and every
    /// weight at 0 a slope of at least 0: for a convex loss, the least there is.
    /// </remarks>
    /// <param name="features">[N][F] at least one row; scale them first, the penalty treats all alike.</param>
    /// <param name="labels">[N] with at least one yes and one no: otherwise the intercept has no finite optimum.</param>
    /// <param name="c">C, above 0: the smaller, the stronger the pull of the weights to 0.</param>
    /// <param name="nonNegative">Whether no weight may be below 0, so that a greater feature never means a smaller probability; false by default.</param>
    /// <exception cref="ArgumentException">No rows, rows of different lengths, a number that is not finite, or only one kind of label.</exception>
    /// <exception cref="UserException">No optimum within 100 steps: the features are almost linearly dependent and hardly penalised.</exception>
    public static LogisticRegression Fit(IReadOnlyList<double[]> features, IReadOnlyList<bool> labels, double c, bool nonNegative = false)
    {
        Check(features, labels, c);
        var data = new Data(features, labels, c, nonNegative);
        var current = new double[features[0].Length + 1];
        double loss = Loss(data, current);
        for (int step = 0; step < MostSteps; step++)
        {
            var (gradient, hessian) = Derivatives(data, current);
            bool[] held = [.. gradient.Select((slope, i) => nonNegative && i < current.Length - 1 && current[i] <= 0 && slope > 0)];
            if (gradient.Index().Where(item => !held[item.Index]).Max(item => Math.Abs(item.Item)) < Converged * features.Count)
                return new LogisticRegression(current[..^1], current[^1]);
            Hold(held, gradient, hessian);
            (current, double next) = Descend(data, (current, loss), CholeskySolve(hessian, gradient));
            if (next >= loss)
                return new LogisticRegression(current[..^1], current[^1]);
            loss = next;
        }

        throw new UserException($"The logistic regression did not settle in {MostSteps} steps. Give it more answers, fewer features, or a smaller C.");
    }

    private double Score(IReadOnlyList<double> features)
    {
        ArgumentNullException.ThrowIfNull(features);
        if (features.Count != Weights.Count)
            throw new ArgumentException($"{features.Count} features were given; there are {Weights.Count} weights.", nameof(features));
        double score = Intercept;
        for (int i = 0; i < Weights.Count; i++)
            score += Weights[i] * features[i];
        return score;
    }

    /// <summary>Takes weights that stay at 0 out of the system: the step of each is 0, and it has no part in the steps of the others.</summary>
    private static void Hold(bool[] held, double[] gradient, double[,] hessian)
    {
        for (int i = 0; i < held.Length; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                if (held[i] || held[j]) hessian[i, j] = i == j ? 1 : 0;
            }

            if (held[i]) gradient[i] = 0;
        }
    }

    /// <summary>
    /// The full Newton step, cut at 0 where weights may not be below, halved until the loss falls; the point stays when no halving helps (rounding is all that
    /// is left).
    /// </summary>
    private static (double[] Point, double Loss) Descend(Data data, (double[] Point, double Loss) from, double[] direction)
    {
        double length = 1;
        for (int halving = 0; halving < MostHalvings; halving++, length /= 2)
        {
            double[] candidate = [.. from.Point.Zip(direction, (value, change) => value - length * change)];
            for (int i = 0; data.NonNegative && i < candidate.Length - 1; i++)
                candidate[i] = Math.Max(0, candidate[i]);
            double loss = Loss(data, candidate);
            if (loss < from.Loss)
                return (candidate, loss);
        }

        return from;
    }

    private static double Loss(Data data, double[] point)
    {
        var (features, labels, c, _) = data;
        double loss = 0;
        for (int row = 0; row < features.Count; row++)
        {
            double score = Dot(features[row], point);
            // log(1 + e^-m) for the margin m, without overflow.
            double margin = labels[row] ? score : -score;
            loss += Math.Max(0, -margin) + Math.Log(1 + Math.Exp(-Math.Abs(margin)));
        }

        for (int i = 0; i < point.Length - 1; i++)
            loss += point[i] * point[i] / (2 * c);
        return loss;
    }

    private static (double[] Gradient, double[,] Hessian) Derivatives(Data data, double[] point)
    {
        var (features, labels, c, _) = data;
        int size = point.Length;
        var gradient = new double[size];
        var hessian = new double[size, size];
        for (int i = 0; i < size - 1; i++)
        {
            gradient[i] = point[i] / c;
            hessian[i, i] = 1 / c;
        }

        for (int row = 0; row < features.Count; row++)
        {
            double p = Sigmoid(Dot(features[row], point));
            AddRow(features[row], p - (labels[row] ? 1 : 0), p * (1 - p), gradient, hessian);
        }

        return (gradient, hessian);
    }

    /// <summary>Only the lower triangle; the last column of every row is the constant 1 of the intercept.</summary>
    private static void AddRow(double[] features, double residual, double weight, double[] gradient, double[,] hessian)
    {
        for (int i = 0; i < gradient.Length; i++)
        {
            double value = i < features.Length ? features[i] : 1;
            gradient[i] += residual * value;
            for (int j = 0; j <= i; j++)
                hessian[i, j] += weight * value * (j < features.Length ? features[j] : 1);
        }
    }

    /// <summary>Solves a symmetric positive definite system given by its lower triangle, which is overwritten.</summary>
    private static double[] CholeskySolve(double[,] matrix, double[] right)
    {
        int n = right.Length;
        var x = (double[])right.Clone();
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = matrix[i, j];
                for (int k = 0; k < j; k++)
                    sum -= matrix[i, k] * matrix[j, k];
                // With every answer certain the intercept's own entry vanishes; a tiny pivot keeps the step finite and the halving bounds it.
                matrix[i, j] = i == j ? Math.Sqrt(Math.Max(sum, 1e-12)) : sum / matrix[j, j];
            }

            for (int k = 0; k < i; k++)
                x[i] -= matrix[i, k] * x[k];
            x[i] /= matrix[i, i];
        }

        for (int i = n - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < n; k++)
                x[i] -= matrix[k, i] * x[k];
            x[i] /= matrix[i, i];
        }

        return x;
    }

    private static double Dot(double[] features, double[] point)
    {
        double sum = point[^1];
        for (int i = 0; i < features.Length; i++)
            sum += features[i] * point[i];
        return sum;
    }

    private static double Sigmoid(double score) => score >= 0 ? 1 / (1 + Math.Exp(-score)) : Math.Exp(score) / (1 + Math.Exp(score));

    private static void Check(IReadOnlyList<double[]> features, IReadOnlyList<bool> labels, double c)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(labels);
        if (!(c > 0 && double.IsFinite(c)))
            throw new ArgumentException($"C is {c}; it is a number above 0.", nameof(c));
        if (features.Count == 0 || features.Count != labels.Count)
        {
            throw new ArgumentException(
                $"{features.Count} rows of features and {labels.Count} labels were given; there must be at least one, and as many of each.", nameof(labels));
        }
        if (features.Any(row => row.Length != features[0].Length || !row.All(double.IsFinite)))
            throw new ArgumentException("The rows of features must have one length and hold finite numbers.", nameof(features));
        if (labels.All(label => label == labels[0]))
            throw new ArgumentException($"All {labels.Count} labels are {labels[0]}; there must be both kinds.", nameof(labels));
    }

    /// <summary>What a loss is computed from.</summary>
    private sealed record Data(IReadOnlyList<double[]> Features, IReadOnlyList<bool> Labels, double C, bool NonNegative);
}
