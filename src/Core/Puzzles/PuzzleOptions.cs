namespace Vlm.Puzzles;

/// <summary>Shares of the kinds of pictures; they need not add up to 1.</summary>
public sealed record PictureMix
{
    /// <summary>Weight of the reference layout, 400x400 lower case.</summary>
    public double Reference400 { get; init; } = 0.2;

    /// <summary>Weight of the reference layout, 300x300 upper case.</summary>
    public double Reference300 { get; init; } = 0.05;

    /// <summary>Weight of flat sheets in other fonts, layouts and colours.</summary>
    public double Variant { get; init; } = 0.25;

    /// <summary>Weight of camera pictures (sheets of all the layouts above, mostly other fonts).</summary>
    public double Camera { get; init; } = 0.5;

    /// <summary>Weight of sheets as people make them: many more faces and separators, light on dark, squeezed, tilted, beside other things.</summary>
    public double Wide { get; init; }

    /// <summary>Weight of scenes: frames of a camera in which a sheet lies somewhere, at the severities below, 1 at least.</summary>
    public double Scene { get; init; }

    /// <summary>Pixels of a scene per pixel of a real camera's frame, 0.1 to 1.</summary>
    public double FrameScale { get; init; } = 1;

    /// <summary>Lowest camera severity, 0 to 5; at 0 the sheet is drawn flat.</summary>
    public int MinSeverity { get; init; } = 1;

    /// <summary>Highest camera severity, <see cref="MinSeverity"/> to 5.</summary>
    public int MaxSeverity { get; init; } = 5;

    /// <summary>Share of camera frames that are not square (4:3, 3:4, 16:9).</summary>
    public double OtherShapes { get; init; } = 0.3;

    /// <summary>Only the reference layout, 400x400.</summary>
    public static PictureMix ReferenceOnly { get; } = new() { Reference400 = 1, Reference300 = 0, Variant = 0, Camera = 0 };
}

/// <summary>Shares of the kinds of messages; they need not add up to 1.</summary>
public sealed record MessageMix
{
    /// <summary>Weight of one word.</summary>
    public double OneWord { get; init; } = 1;

    /// <summary>Weight of two words.</summary>
    public double TwoWords { get; init; } = 1;

    /// <summary>Weight of three words.</summary>
    public double ThreeWords { get; init; } = 1;

    /// <summary>Weight of one to three groups of three to nine random letters.</summary>
    public double RandomLetters { get; init; }

    /// <summary>Words of the held-out tenth instead of training words.</summary>
    public bool HeldOutWords { get; init; }
}

/// <summary>What a <see cref="PuzzleSource"/> draws.</summary>
public sealed record PuzzleOptions
{
    /// <summary>Enters every seed; <see cref="Split.Fonts"/> and <see cref="Split.Wide"/> also take the held-out faces.</summary>
    public Split Split { get; init; } = Split.Train;

    /// <summary>Pictures.</summary>
    public PictureMix Pictures { get; init; } = new();

    /// <summary>Messages.</summary>
    public MessageMix Messages { get; init; } = new();

    /// <summary>What is the matter with the pictures; nothing by default.</summary>
    public StratumMix Strata { get; init; } = new();

    /// <summary>The options of a split. Severities matter for <see cref="Split.Train"/> and <see cref="Split.Camera"/> only.</summary>
    /// <param name="split">The split.</param>
    /// <param name="minSeverity">Lowest camera severity, 0 to 5.</param>
    /// <param name="maxSeverity">Highest camera severity, 0 to 5.</param>
    public static PuzzleOptions For(Split split, int minSeverity = 1, int maxSeverity = 3) => split switch
    {
        Split.Train => new PuzzleOptions
        {
            Pictures = new PictureMix { MinSeverity = minSeverity, MaxSeverity = maxSeverity },
            Messages = new MessageMix { RandomLetters = 1 },
        },
        Split.Clean => new PuzzleOptions { Split = split, Pictures = PictureMix.ReferenceOnly },
        Split.Vocabulary => new PuzzleOptions
        {
            Split = split,
            Pictures = PictureMix.ReferenceOnly,
            Messages = new MessageMix { HeldOutWords = true },
        },
        Split.Letters => new PuzzleOptions
        {
            Split = split,
            Pictures = PictureMix.ReferenceOnly,
            Messages = new MessageMix { OneWord = 0, TwoWords = 0, ThreeWords = 0, RandomLetters = 1 },
        },
        Split.Fonts => new PuzzleOptions
        {
            Split = split,
            Pictures = PictureMix.ReferenceOnly with { Reference400 = 0, Variant = 1 },
        },
        Split.Camera => new PuzzleOptions
        {
            Split = split,
            Pictures = PictureMix.ReferenceOnly with { Reference400 = 0, Camera = 1, MinSeverity = minSeverity, MaxSeverity = maxSeverity },
        },
        Split.Wide => new PuzzleOptions
        {
            Split = split,
            Pictures = PictureMix.ReferenceOnly with { Reference400 = 0, Wide = 1 },
        },
        Split.Scene => new PuzzleOptions
        {
            Split = split,
            Pictures = PictureMix.ReferenceOnly with { Reference400 = 0, Scene = 1, MinSeverity = minSeverity, MaxSeverity = maxSeverity },
        },
        _ => throw new ArgumentOutOfRangeException(nameof(split), split, "expected one of the splits"),
    };

    /// <summary>The same with one kind of pictures alone.</summary>
    public PuzzleOptions Of(Stratum stratum) => this with { Strata = StratumMix.Only(stratum) };

    /// <summary>Checks ranges.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it.</exception>
    public void Validate()
    {
        var (low, high) = (Pictures.MinSeverity, Pictures.MaxSeverity);
        if (low < 0 || high > SeverityRange.Highest || low > high)
            throw new ArgumentException($"expected 0 <= MinSeverity <= MaxSeverity <= 5, found {low} and {high}");
        Check("pictures", Pictures.Reference400, Pictures.Reference300, Pictures.Variant, Pictures.Camera, Pictures.Wide, Pictures.Scene);
        if (Pictures.FrameScale is not (>= 0.1 and <= 1))
            throw new ArgumentException($"expected FrameScale from 0.1 to 1, found {Pictures.FrameScale}");
        Check("messages", Messages.OneWord, Messages.TwoWords, Messages.ThreeWords, Messages.RandomLetters);
        Check("strata", Strata.Weights);
        if (Pictures.OtherShapes is not (>= 0 and <= 1))
            throw new ArgumentException($"expected OtherShapes from 0 to 1, found {Pictures.OtherShapes}");
    }

    private static void Check(string what, params ReadOnlySpan<double> weights)
    {
        var sum = 0.0;
        foreach (var weight in weights)
        {
            if (!(weight >= 0)) throw new ArgumentException($"expected weights of {what} of at least 0, found {weight}");
            sum += weight;
        }

        if (!(sum > 0 && double.IsFinite(sum))) throw new ArgumentException($"expected a positive, finite sum of the weights of {what}, found {sum}");
    }
}
