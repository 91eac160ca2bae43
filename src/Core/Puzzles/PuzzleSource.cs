using Vlm.Cryptogram;
using Vlm.Drawing;
using Vlm.Statistics;

namespace Vlm.Puzzles;

/// <summary>
/// Endless seeded puzzles: <see cref="At"/> is a pure function of (options, seed, index) and may be called from several threads.
/// </summary>
public sealed class PuzzleSource
{
    private const double Turn = 1.0 / ulong.MaxValue;

    private readonly PuzzleOptions _options;
    private readonly long _seed;
    private readonly IReadOnlyList<string> _words;
    private readonly IReadOnlyList<FontFace> _faces;

    /// <summary>A source.</summary>
    /// <param name="options">What to draw.</param>
    /// <param name="seed">Any number; together with the split it fixes every puzzle.</param>
    /// <exception cref="ArgumentException">The options are out of range.</exception>
    public PuzzleSource(PuzzleOptions options, long seed)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _seed = seed;
        _words = options.Messages.HeldOutWords ? WordList.HeldOut : WordList.Train;
        _faces = options.Split == Split.Fonts ? Fonts.HeldOut : Fonts.Training;
    }

    /// <summary>The puzzle of an index, any number from 0 up.</summary>
    public Puzzle At(long index)
    {
        // Separate generators: another mix of pictures leaves messages and ciphers as they are, another mix of strata the puzzles of those that stay.
        var text = SeededRandom.From((long)_options.Split, _seed, index, 0);
        var picture = SeededRandom.From((long)_options.Split, _seed, index, 1);
        var answer = DrawMessage(text, index);
        var cipher = Cipher.Random(text);
        var (kind, severity) = DrawKind(picture);
        var style = DrawStyle(picture, kind);
        var basis = new PuzzleBasis(answer, cipher, kind, severity, style)
        {
            OtherShapes = _options.Pictures.OtherShapes,
            FrameScale = _options.Pictures.FrameScale,
        };
        var stratum = (Stratum)Choose(SeededRandom.From((long)_options.Split, _seed, index, 2).NextDouble(), _options.Strata.Weights);
        if (stratum != Stratum.Whole)
            return StratumPuzzle.Draw(stratum, basis with { Words = _words }, SeededRandom.From((long)_options.Split, _seed, index, 2, (long)stratum));
        var drawn = basis.Picture(scale => Sheet.Draw(cipher, style, scale, picture), style, picture);
        return new Puzzle(answer, cipher.EncodeSpaced(answer), cipher, drawn.Picture, drawn.Labels, kind, severity) { Corners = drawn.Corners };
    }

    private string DrawMessage(SeededRandom rng, long index)
    {
        var mix = _options.Messages;
        // Multiples of the golden ratio: every run of indices has the shares of the mix almost exactly.
        var draw = unchecked((ulong)index * 0x9E3779B97F4A7C15) * Turn;
        return Choose(draw, mix.OneWord, mix.TwoWords, mix.ThreeWords, mix.RandomLetters) switch
        {
            3 => string.Join(' ', Enumerable.Range(0, rng.Between(1, 3)).Select(_ => DrawLetters(rng))),
            var words => string.Join(' ', Enumerable.Range(0, words + 1).Select(_ => _words[rng.Next(_words.Count)])),
        };
    }

    private static string DrawLetters(SeededRandom rng) =>
        string.Concat(Enumerable.Range(0, rng.Between(3, 9)).Select(_ => (char)rng.Between('a', 'z')));

    private (string Kind, int Severity) DrawKind(SeededRandom rng)
    {
        var mix = _options.Pictures;
        var kind = Choose(rng.NextDouble(), mix.Reference400, mix.Reference300, mix.Variant, mix.Camera, mix.Wide, mix.Scene);
        if (kind == 4) return (PictureKind.Wide, 0);
        if (kind == 5) return (PictureKind.Scene, rng.Between(Math.Max(1, mix.MinSeverity), Math.Max(1, mix.MaxSeverity)));
        if (kind < 3) return (kind switch { 0 => PictureKind.Reference400, 1 => PictureKind.Reference300, _ => PictureKind.Variant }, 0);
        var severity = rng.Between(mix.MinSeverity, mix.MaxSeverity);
        return (severity == 0 ? PictureKind.Variant : PictureKind.Camera, severity);
    }

    /// <summary>Which share of the weights a draw from [0, 1) falls into.</summary>
    private static int Choose(double draw, params ReadOnlySpan<double> weights)
    {
        var sum = 0.0;
        foreach (var weight in weights) sum += weight;
        var left = draw * sum;
        var last = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] == 0) continue;
            last = i;
            if (left < weights[i]) return i;
            left -= weights[i];
        }

        return last;
    }

    private SheetStyle DrawStyle(SeededRandom rng, string kind) => kind switch
    {
        PictureKind.Reference400 => SheetStyle.Reference400(Fonts.Reference),
        PictureKind.Reference300 => SheetStyle.Reference300(Fonts.Reference),
        PictureKind.Camera when rng.Chance(0.15) => SheetStyle.Reference400(Fonts.Reference),
        PictureKind.Camera when rng.Chance(0.06) => SheetStyle.Reference300(Fonts.Reference),
        PictureKind.Scene when rng.Chance(0.2) => SheetStyle.Reference400(Fonts.Reference),
        PictureKind.Scene when rng.Chance(0.6) => StyleDraw.Next(rng, _faces),
        PictureKind.Wide or PictureKind.Scene => WideStyle.Next(rng, Fonts.More(heldOut: _options.Split == Split.Wide)),
        _ => StyleDraw.Next(rng, _faces),
    };
}
