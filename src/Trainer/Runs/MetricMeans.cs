
namespace Vlm.Trainer.Runs;

/// <summary>Weighted means and maxima by name, over the parts of a step.</summary>
internal sealed class MetricMeans
{
    private readonly Dictionary<string, (double Sum, double Weight)> _means = [];
    private readonly Dictionary<string, double> _maxima = [];

    /// <summary>Adds a part's mean.</summary>
    /// <param name="name">Of the metric.</param>
    /// <param name="value">The part's mean.</param>
    /// <param name="weight">What the part counts, ≥ 0.</param>
    public void Add(string name, double value, double weight)
    {
        var (sum, total) = _means.GetValueOrDefault(name);
        _means[name] = (sum + value * weight, total + weight);
    }

    /// <summary>Keeps the greatest.</summary>
    public void Max(string name, double value) => _maxima[name] = Math.Max(value, _maxima.GetValueOrDefault(name, double.NegativeInfinity));

    /// <summary>All of them; a mean over nothing is left out.</summary>
    public Dictionary<string, double> Values()
        => _means.Where(m => m.Value.Weight > 0).Select(m => (m.Key, m.Value.Sum / m.Value.Weight)).Concat(_maxima.Select(m => (m.Key, m.Value)))
            .ToDictionary();
}
