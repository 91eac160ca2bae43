using System.Globalization;
using System.Text;

namespace Vlm.Bench.Speed;

/// <summary>How fast a package was, and what bounds it. Seconds and bytes.</summary>
internal sealed record SpeedFigures
{
    /// <summary>The package's folder.</summary>
    public required string Model { get; init; }

    /// <summary>The library that ran it.</summary>
    public required string Engine { get; init; }

    /// <summary>What computed.</summary>
    public required string Provider { get; init; }

    /// <summary>Threads of the decoder, and of the bandwidth's measurement.</summary>
    public required int Threads { get; init; }

    /// <summary>Graphs and weights.</summary>
    public required long PackageBytes { get; init; }

    /// <summary>What every token reads: the decoder's weights, head included. Keys and values come on top.</summary>
    public required long DecoderBytes { get; init; }

    /// <summary>Until the package was open.</summary>
    public required double OpenSeconds { get; init; }

    /// <summary>The most that was resident by then.</summary>
    public required long OpenPeakBytes { get; init; }

    /// <summary>The process's own memory then.</summary>
    public required long AnonymousBytes { get; init; }

    /// <summary>At least one.</summary>
    public required IReadOnlyList<SpeedRound> Rounds { get; init; }

    /// <summary>Bytes per second, the median of the rounds'.</summary>
    public double Bandwidth => Median(Rounds.Select(round => round.Bandwidth));

    /// <summary>Picture and prompt, the median.</summary>
    public double FirstTokenSeconds => Median(Rounds.Select(round => round.PictureSeconds + round.PrefillSeconds));

    /// <summary>Pixels to features, the median.</summary>
    public double PictureSeconds => Median(Rounds.Select(round => round.PictureSeconds));

    /// <summary>Tokens of a prompt per second, the median.</summary>
    public double PrefillTokensPerSecond => Median(Rounds.Select(round => round.PromptTokens / round.PrefillSeconds));

    /// <summary>Tokens per second: the median round's mean.</summary>
    public double DecodeTokensPerSecond => Median(Rounds.Select(round => round.StepSeconds.Count / round.StepSeconds.Sum()));

    /// <summary>Tokens per second at the pace of the one step in twenty that was disturbed least.</summary>
    public double UndisturbedTokensPerSecond
    {
        get
        {
            double[] steps = [.. Rounds.SelectMany(round => round.StepSeconds).Order()];
            return 1 / steps[steps.Length / 20];
        }
    }

    /// <summary>Tokens per second if nothing but reading the decoder's weights took time.</summary>
    public double LimitTokensPerSecond => Bandwidth / DecoderBytes;

    /// <summary>0 to 1: decode against that limit, each round against the bandwidth just before it; the median.</summary>
    public double ShareOfBandwidth => Median(Rounds.Select(round => round.StepSeconds.Count / round.StepSeconds.Sum() * DecoderBytes / round.Bandwidth));

    /// <summary>The most that was resident in any round, or while opening.</summary>
    public long PeakBytes => Math.Max(OpenPeakBytes, Rounds.Max(round => round.PeakBytes));

    /// <summary>A table for people.</summary>
    public string Markdown(string machine)
    {
        var text = new StringBuilder($"# How fast {Model} is\n\n{machine}. Engine {Engine}, provider {Provider}, threads: {Threads}.\n\n| | |\n|---|---:|\n");
        Row("package; read per token (decoder)", $"{Gb(PackageBytes)}; {Gb(DecoderBytes)}");
        Row("memory bandwidth, by round", string.Join(", ", Rounds.Select(round => Gb(round.Bandwidth))) + " a second");
        Row("opened in", $"{Number(OpenSeconds)} s");
        Row($"first token (a picture and {Rounds[0].PromptTokens} tokens)", $"{Number(FirstTokenSeconds)} s, {Number(PictureSeconds)} of them the picture");
        Row("prefill", $"{Number(PrefillTokensPerSecond)} tokens/s");
        Row("decode", $"{Number(DecodeTokensPerSecond)} tokens/s; undisturbed {Number(UndisturbedTokensPerSecond)}");
        Row("limit by bandwidth", $"{Number(LimitTokensPerSecond)} tokens/s");
        Row("decode's share of it", $"{(ShareOfBandwidth * 100).ToString("F0", CultureInfo.InvariantCulture)} %");
        Row("peak resident memory", $"{Gb(PeakBytes)}, {((double)PeakBytes / PackageBytes).ToString("F2", CultureInfo.InvariantCulture)} of the package");
        Row("after opening: of the process alone", Gb(AnonymousBytes));
        return text.ToString();

        void Row(string what, string value) => text.Append(CultureInfo.InvariantCulture, $"| {what} | {value} |\n");
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>1e9 bytes; megabytes where it is less.</summary>
    private static string Gb(double bytes) => bytes < 1e8
        ? (bytes / 1e6).ToString("F1", CultureInfo.InvariantCulture) + " MB"
        : (bytes / 1e9).ToString("F2", CultureInfo.InvariantCulture) + " GB";

    private static string Number(double value) => value.ToString(value < 100 ? "G3" : "F0", CultureInfo.InvariantCulture);
}
