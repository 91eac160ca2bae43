
namespace Vlm.Trainer.Runs;

/// <summary>Weighted means and maxima by name, over the parts of a step.</summary>
internal sealed class MetricMeans
{
    private readonly Dictionary<string, (double Sum, double Weight)> means = [];
    private readonly Dictionary<string, double> maxima = [];

    /// <summary>Adds a part's mean.</summary>
    /// <param name="name">Of the metric.</param>
    /// <param name="value">The part's mean.</param>
    /// <param name="weight">What the part counts, ≥ 0.</param>
    public void Add(string name, double value, double weight)
    {
        var (sum, total) = means.GetValueOrDefault(name);
        means[name] = (sum + value * weight, total + weight);
    }

    /// <summary>Keeps the greatest.</summary>
    public void Max(string name, double value) => maxima[name] = Math.Max(value, maxima.GetValueOrDefault(name, double.NegativeInfinity));

    /// <summary>All of them; a mean over nothing is left out.</summary>
    public Dictionary<string, double> Values()
        => means.Where(m => m.Value.Weight > 0).Select(m => (m.Key, m.Value.Sum / m.Value.Weight)).Concat(maxima.Select(m => (m.Key, m.Value))).ToDictionary();
}
