using Vlm.Finding;
using static TorchSharp.torch;

namespace Vlm.Trainer.Finder;

/// <summary>
/// Cross-entropy of the heatmaps against a Gaussian around the corner, ten times the absolute error of the mean, and binary cross-entropy of what can be seen.
/// A corner that is covered is not asked for.
/// </summary>
internal static class FinderLoss
{
    // Standard deviation of the target in cells of the heatmap.
    private const float Spread = 1.1f;

    private const double MeanWeight = 10;

    /// <summary>The loss of a batch and its parts by name.</summary>
    public static (Tensor Loss, Dictionary<string, double> Parts) Of(FinderNet.Said said, SceneBatch batch)
    {
        var corners = tensor(batch.Corners).view(-1, 4, 2);                                  // [B, 4, 2]
        var seen = tensor(batch.Seen).view(-1, 5);                                           // [B, 5]
        var asked = seen.narrow(1, 1, 4);                                                    // [B, 4]
        using var count = tensor(Math.Max(1, batch.Seen.Where((_, i) => i % 5 > 0).Sum()));
        var heat = (Targets(corners) * said.Heat.log_softmax(-1)).sum(-1).neg();             // [B, 4]
        var mean = (said.Corners - corners).abs().sum(-1);                                   // [B, 4]
        var heatLoss = (heat * asked).sum() / count;
        var meanLoss = (mean * asked).sum() / count;
        var seenLoss = nn.functional.binary_cross_entropy_with_logits(said.Seen, seen);
        using TorchSharp.Scalar weight = MeanWeight;
        return (stack([heatLoss, meanLoss * weight, seenLoss]).sum(), new Dictionary<string, double>
        {
            ["loss_heat"] = heatLoss.item<float>(),
            ["loss_mean"] = meanLoss.item<float>(),
            ["loss_seen"] = seenLoss.item<float>(),
        });
    }

    /// <summary>[B, 4, 36 · 48] weights that sum to 1.</summary>
    private static Tensor Targets(Tensor corners)
    {
        using var cells = tensor(new float[] { FinderInput.MapWidth, FinderInput.MapHeight });
        var offset = (FinderNet.Places(CPU) * cells) - (corners.unsqueeze(2) * cells);       // [B, 4, 36 · 48, 2]
        using TorchSharp.Scalar sharpness = -1 / (2 * Spread * Spread);
        return (offset.square().sum(-1) * sharpness).softmax(-1);
    }
}

/// <summary>What a finder gets right on scenes.</summary>
/// <param name="Presence">Share of all scenes of which it says rightly whether there is a decoder.</param>
/// <param name="FalseAlarms">Share of the empty scenes in which it sees one.</param>
/// <param name="Median">Greatest error of a sheet's corners in shares of its diagonal: median over sheets whose corners can all be seen.</param>
/// <param name="Worst">The same, 95th percentile.</param>
public sealed record FinderScore(double Presence, double FalseAlarms, double Median, double Worst)
{
    /// <summary>Judges a batch.</summary>
    /// <param name="corners">[B · 4 · 2] as predicted.</param>
    /// <param name="presence">[B] probabilities.</param>
    /// <param name="batch">What is right.</param>
    public static FinderScore Of(IReadOnlyList<float> corners, IReadOnlyList<float> presence, SceneBatch batch)
    {
        var (right, alarms, empty) = (0, 0, 0);
        var errors = new List<double>();
        for (var i = 0; i < batch.Count; i++)
        {
            var isThere = batch.Seen[i * 5] > 0;
            if (presence[i] > 0.5 == isThere) right++;
            if (!isThere) empty++;
            if (!isThere && presence[i] > 0.5) alarms++;
            if (isThere && batch.Seen.AsSpan(i * 5, 5).IndexOf(0) < 0) errors.Add(Error(corners, batch, i));
        }

        errors.Sort();
        double At(double share) => errors.Count == 0 ? double.NaN : errors[(int)(share * (errors.Count - 1))];
        return new FinderScore((double)right / batch.Count, (double)alarms / Math.Max(1, empty), At(0.5), At(0.95));
    }

    private static double Error(IReadOnlyList<float> corners, SceneBatch batch, int scene)
    {
        var diagonal = Math.Sqrt((FinderInput.Width * FinderInput.Width) + (FinderInput.Height * FinderInput.Height));
        return Enumerable.Range(0, 4).Max(corner =>
        {
            var at = (scene * 8) + (2 * corner);
            var (x, y) = ((corners[at] - batch.Corners[at]) * FinderInput.Width, (corners[at + 1] - batch.Corners[at + 1]) * FinderInput.Height);
            return Math.Sqrt((x * x) + (y * y)) / diagonal / batch.Diagonals[scene];
        });
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"presence {Presence:P1}, false alarms {FalseAlarms:P1}, corners median {Median:P2} and 95 % {Worst:P2} of the diagonal";
}
