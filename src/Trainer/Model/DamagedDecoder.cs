using System.Text;
using Vlm.Model;
using Vlm.Statistics;

namespace Vlm.Trainer.Model;

/// <summary>
/// A decoder with Gaussian noise on every matrix of its layers: the tower still reads and the replies keep their form, but letters are looked up badly. A start
/// from which rewards have something to teach.
/// </summary>
/// <param name="noise">Standard deviation of the noise, in shares of each matrix's own. &gt; 0.</param>
/// <param name="seed">Decides every number, matrix by matrix.</param>
internal sealed class DamagedDecoder(double noise, long seed)
{
    private const string Layers = "model.layers.";

    /// <summary>Whether a weight is damaged: matrices of the layers, but no norm, bias, embedding or head.</summary>
    public static bool IsDamaged(WeightSpec weight) => weight.Shape.Length == 2 && weight.Name.StartsWith(Layers, StringComparison.Ordinal);

    /// <summary>A weight as the damaged model has it.</summary>
    /// <param name="weight">Which.</param>
    /// <param name="values">As it was; changed in place.</param>
    public float[] Of(WeightSpec weight, float[] values)
    {
        if (!IsDamaged(weight)) return values;
        var random = SeededRandom.From([seed, .. Encoding.UTF8.GetBytes(weight.Name).Select(letter => (long)letter)]);
        var mean = values.Average(value => (double)value);
        var size = noise * Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
        for (var i = 0; i < values.Length; i++) values[i] += (float)(size * Normal(random));
        return values;
    }

    /// <summary>Box and Muller's transform (1958), one of the pair.</summary>
    private static double Normal(SeededRandom random)
        => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
