namespace Vlm.Statistics;

/// <summary>A calibrator that only knows that more is not less: the least-squares fit among all functions that never fall.</summary>
/// <remarks>
/// Pool adjacent violators (Ayer et al., Annals of Mathematical Statistics 26, 1955). Equal inputs are pooled first; between the knots the function is linear,
/// outside them constant. It needs about a thousand labels; its calibration error falls with n^(-1/3).
/// </remarks>
public sealed class Isotonic
{
    private readonly double[] _inputs;
    private readonly double[] _values;

    private Isotonic(double[] inputs, double[] values) => (_inputs, _values) = (inputs, values);

    /// <summary>Fits right (1) and wrong (0) against confidence.</summary>
    /// <param name="answers">At least one.</param>
    public static Isotonic Fit(IReadOnlyList<ScoredAnswer> answers)
    {
        ArgumentNullException.ThrowIfNull(answers);
        ArgumentOutOfRangeException.ThrowIfZero(answers.Count, nameof(answers));
        var pooled = answers.GroupBy(answer => answer.Confidence).OrderBy(group => group.Key).ToArray();
        var blocks = new Stack<Block>();
        foreach (var group in pooled)
        {
            var block = new Block(group.Count(answer => answer.IsCorrect), group.Count(), Knots: 1);
            // Each knot is pushed once and merged at most once.
            while (blocks.TryPeek(out var below) && below.Mean >= block.Mean)
                block = blocks.Pop().With(block);
            blocks.Push(block);
        }

        double[] values = [.. blocks.Reverse().SelectMany(block => Enumerable.Repeat(block.Mean, block.Knots))];
        return new Isotonic([.. pooled.Select(group => group.Key)], values);
    }

    /// <summary>The fitted probability, 0 to 1; never falls when <paramref name="confidence"/> rises.</summary>
    public double Probability(double confidence)
    {
        int at = Array.BinarySearch(_inputs, confidence);
        if (at >= 0)
            return _values[at];
        int above = ~at;
        if (above == 0)
            return _values[0];
        if (above == _inputs.Length)
            return _values[^1];
        double share = (confidence - _inputs[above - 1]) / (_inputs[above] - _inputs[above - 1]);
        return _values[above - 1] + share * (_values[above] - _values[above - 1]);
    }

    private readonly record struct Block(double Sum, double Weight, int Knots)
    {
        public double Mean => Sum / Weight;

        public Block With(Block other) => new(Sum + other.Sum, Weight + other.Weight, Knots + other.Knots);
    }
}
