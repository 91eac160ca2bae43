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
