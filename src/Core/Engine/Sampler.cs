using System.Buffers;

namespace Vlm.Engine;

/// <summary>How the next token is taken from a distribution. The default is greedy.</summary>
public sealed record Sampling
{
    /// <summary>Always the most probable token.</summary>
    public static Sampling Greedy { get; } = new();

    private double _temperature;
    private int _topK;
    private double _topP = 1;

    /// <summary>Divides the logits before sampling; 0 (the default) is greedy. At least 0.</summary>
    public double Temperature
    {
        get => _temperature;
        init => _temperature = value >= 0 && double.IsFinite(value) ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "The temperature must be 0 (greedy) or a positive number.");
    }

    /// <summary>Only the k most probable tokens take part; 0 (the default) means all.</summary>
    public int TopK
    {
        get => _topK;
        init => _topK = value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "top-k must be 0 (off) or a positive number.");
    }

    /// <summary>Only the most probable tokens that together reach this share take part, in (0, 1]; 1 (the default) means all.</summary>
    public double TopP
    {
        get => _topP;
        init => _topP = value is > 0 and <= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "top-p must be above 0 and at most 1.");
    }

    /// <summary>Fixes every draw: the same seed, row and position give the same number.</summary>
    public ulong Seed { get; init; }
}

/// <summary>A token that was taken, and how sure the model was of it.</summary>
/// <param name="Token">The token.</param>
/// <param name="LogProbability">Natural logarithm of its probability under the model's own distribution: no temperature, nothing cut off.</param>
public readonly record struct Choice(int Token, double LogProbability)
{
    /// <summary>The share of the model's own distribution that tokens had which were not allowed here, 0 to 1; 0 where the model was free.</summary>
    public double Removed { get; init; }
}

/// <summary>A token that could stand at a place.</summary>
/// <param name="Token">The token.</param>
/// <param name="LogProbability">Natural logarithm of its probability under the model's own distribution.</param>
public readonly record struct TokenProbability(int Token, double LogProbability);

/// <summary>Takes a token from one row of logits. Pure: chance enters as an argument.</summary>
public static class Sampler
{
    /// <summary>Takes the next token.</summary>
    /// <param name="logits">[V] one row, V >= 2; of equal logits the lower token goes first.</param>
    /// <param name="sampling">Temperature and what is cut off: first top-k, then top-p, both on the distribution after the temperature.</param>
    /// <param name="draw">A number in [0, 1); not used when greedy.</param>
    /// <exception cref="UserException">The logits are not numbers.</exception>
    public static Choice Choose(ReadOnlySpan<float> logits, Sampling sampling, double draw)
    {
        ArgumentNullException.ThrowIfNull(sampling);
        ArgumentOutOfRangeException.ThrowIfNegative(draw);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(draw, 1.0);
        var isGreedy = sampling.Temperature == 0 || sampling.TopK == 1;
        return Judge(logits, isGreedy ? Best(logits) : Draw(logits, sampling, draw));
    }

    /// <summary>Takes the next token among those allowed. What is reported of it is the model's own distribution, over all tokens.</summary>
    /// <param name="logits">[V] one row, V >= 2.</param>
    /// <param name="allowed">At least one token.</param>
    /// <param name="sampling">As above, on the distribution over the allowed tokens.</param>
    /// <param name="draw">A number in [0, 1); not used when greedy.</param>
    /// <exception cref="UserException">The logits are not numbers.</exception>
    public static Choice Choose(ReadOnlySpan<float> logits, IReadOnlyList<int> allowed, Sampling sampling, double draw)
    {
        ArgumentNullException.ThrowIfNull(allowed);
        ArgumentOutOfRangeException.ThrowIfZero(allowed.Count, nameof(allowed));
        var choice = Judge(logits, allowed.Count == 1 ? allowed[0] : Masked(logits, allowed, sampling, draw));
        var norm = logits[choice.Token] - choice.LogProbability;
        double kept = 0;
        foreach (var token in allowed) kept += Math.Exp(logits[token] - norm);
        return choice with { Removed = Math.Max(0, 1 - kept) };
    }

    /// <summary>What the model thinks of a token that somebody else chose.</summary>
    /// <param name="logits">[V] one row, V >= 2.</param>
    /// <param name="token">0 to V - 1.</param>
    /// <exception cref="UserException">The logits are not numbers.</exception>
    public static Choice Judge(ReadOnlySpan<float> logits, int token)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(logits.Length, 2, nameof(logits));
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, logits.Length);
        return new Choice(token, logits[token] - LogSumExp(logits, logits[Best(logits)]));
    }

    /// <summary>The most probable tokens, most probable first; of equal ones the lower token goes first.</summary>
    /// <param name="logits">[V] one row.</param>
    /// <param name="count">How many, at least 0; a smaller vocabulary gives what it has.</param>
    /// <exception cref="UserException">The logits are not numbers.</exception>
    public static TokenProbability[] Top(ReadOnlySpan<float> logits, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count == 0 || logits.IsEmpty) return [];
        // The heap's root is the worst of the kept: the least logit, and of equal ones the highest token.
        var kept = new PriorityQueue<int, (float Logit, int Later)>(count);
        for (var token = 0; token < logits.Length; token++)
        {
            if (kept.Count < count) kept.Enqueue(token, (logits[token], -token));
            else if (logits[token] > logits[kept.Peek()]) kept.EnqueueDequeue(token, (logits[token], -token));
        }
        var top = new int[kept.Count];
        for (var i = top.Length - 1; i >= 0; i--) top[i] = kept.Dequeue();
        var norm = LogSumExp(logits, logits[top[0]]);
        var result = new TokenProbability[top.Length];
        for (var i = 0; i < top.Length; i++) result[i] = new TokenProbability(top[i], logits[top[i]] - norm);
        return result;
    }

    /// <summary>The draw for one row at one position: a number in [0, 1) that depends on nothing else, so a row's text does not depend on its batch.</summary>
    public static double Uniform(ulong seed, int row, int position)
    {
        // SplitMix64 (Steele, Lea, Flood 2014) over the three numbers: .NET's own generator may change between versions.
        var state = Mix(Mix(seed + 0x9E3779B97F4A7C15) + ((ulong)(uint)row << 32 | (uint)position));
        return (state >> 11) * (1.0 / (1UL << 53));
    }

    private static int Masked(ReadOnlySpan<float> logits, IReadOnlyList<int> allowed, Sampling sampling, double draw)
    {
        var masked = new float[logits.Length];
        Array.Fill(masked, float.NegativeInfinity);
        foreach (var token in allowed) masked[token] = logits[token];
        return Choose(masked, sampling, draw).Token;
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private static int Best(ReadOnlySpan<float> logits)
    {
        var best = 0;
        for (var i = 1; i < logits.Length; i++)
            if (logits[i] > logits[best]) best = i;
        return best;
    }

    private static double LogSumExp(ReadOnlySpan<float> logits, double highest)
    {
        double sum = 0;
        foreach (var logit in logits) sum += Math.Exp(logit - highest);
        // One NaN, or an infinite logit, makes the sum a NaN: caught here once instead of at every comparison.
        if (!double.IsFinite(sum)) throw new UserException("The model's logits are not numbers. Are its weights damaged, or too large for float16?");
        return highest + Math.Log(sum);
    }

    private static int Draw(ReadOnlySpan<float> logits, Sampling sampling, double draw)
    {
        var tokens = ArrayPool<int>.Shared.Rent(logits.Length);
        var weights = ArrayPool<double>.Shared.Rent(logits.Length);
        try
        {
            for (var i = 0; i < logits.Length; i++) tokens[i] = i;
            var highest = logits[Best(logits)];
            for (var i = 0; i < logits.Length; i++) weights[i] = Math.Exp((logits[i] - highest) / sampling.Temperature);
            var candidates = Restrict(tokens, weights, logits.Length, sampling);
            return Pick(tokens.AsSpan(0, candidates), weights.AsSpan(0, candidates), draw);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(tokens);
            ArrayPool<double>.Shared.Return(weights);
        }
    }

    /// <summary>Moves the tokens that may be taken to the front, most probable first, and returns how many there are.</summary>
    private static int Restrict(int[] tokens, double[] weights, int count, Sampling sampling)
    {
        var hasTopK = sampling.TopK > 0 && sampling.TopK < count;
        if (!hasTopK && sampling.TopP >= 1) return count;
        var total = Sum(weights.AsSpan(0, count));
        count = hasTopK ? KeepHighest(tokens, weights, count, sampling.TopK) : DropHopeless(tokens, weights, count, (1 - sampling.TopP) / count * total);
        if (hasTopK) total = Sum(weights.AsSpan(0, count));
        // A stable sort of tokens in ascending order: of equal weights the lower token comes first.
        var ranked = tokens.Take(count).Zip(weights).OrderByDescending(candidate => candidate.Second).ToArray();
        double reached = 0;
        for (var i = 0; i < count; i++)
        {
            (tokens[i], weights[i]) = ranked[i];
            reached += weights[i];
            if (reached >= sampling.TopP * total) return i + 1;
        }
        return count;
    }

    /// <summary>Keeps the k tokens of the highest weights; of equal ones the lower token.</summary>
    private static int KeepHighest(int[] tokens, double[] weights, int count, int k)
    {
        var kept = new PriorityQueue<int, (double Weight, int Later)>(k);
        for (var i = 0; i < count; i++)
        {
            if (kept.Count < k) kept.Enqueue(i, (weights[i], -i));
            else kept.EnqueueDequeue(i, (weights[i], -i));
        }
        var highest = kept.UnorderedItems.Select(item => item.Element).Order().ToArray();
        for (var i = 0; i < k; i++) (tokens[i], weights[i]) = (tokens[highest[i]], weights[highest[i]]);
        return k;
    }

    /// <summary>
    /// Keeps the tokens that can be in the nucleus. All tokens below (1 - p) / V of the total together weigh less than 1 - p, so the nucleus is
    /// reached without them; of a large vocabulary only a few hundred are left to sort.
    /// </summary>
    private static int DropHopeless(int[] tokens, double[] weights, int count, double least)
    {
        var kept = 0;
        for (var i = 0; i < count; i++)
        {
            if (weights[i] < least) continue;
            (tokens[kept], weights[kept]) = (tokens[i], weights[i]);
            kept++;
        }
        return kept;
    }

    private static double Sum(ReadOnlySpan<double> weights)
    {
        double sum = 0;
        foreach (var weight in weights) sum += weight;
        return sum;
    }

    private static int Pick(ReadOnlySpan<int> tokens, ReadOnlySpan<double> weights, double draw)
    {
        var rest = draw * Sum(weights);
        var last = tokens[0];
        for (var i = 0; i < tokens.Length; i++)
        {
            if (weights[i] == 0) continue;
            last = tokens[i];
            rest -= weights[i];
            if (rest < 0) break;
        }
        return last;
    }
}
