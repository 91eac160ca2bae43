using System.Text.Json;
using Vlm.Bench.Speed;
using Vlm.CommandLine;

namespace Vlm.Bench.Tests;

public sealed class SpeedTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("speed").FullName;

    [Fact]
    public void The_share_of_bandwidth_is_bytes_read_in_a_second_of_decoding_against_the_bandwidth_just_before()
    {
        var figures = Figures(
            new SpeedRound(10e9, 1, 100, 2, [0.5, 0.5], 3_000_000_000),
            new SpeedRound(20e9, 3, 100, 4, [0.25, 0.25], 2_000_000_000),
            new SpeedRound(20e9, 2, 100, 5, [0.2, 0.3], 2_000_000_000));
        Assert.Equal(0.4, figures.ShareOfBandwidth, 12);
        Assert.Equal(4, figures.DecodeTokensPerSecond, 12);
        Assert.Equal(5, figures.UndisturbedTokensPerSecond, 12);
        Assert.Equal(10, figures.LimitTokensPerSecond, 12);
        Assert.Equal((7.0, 2.0, 25.0), (figures.FirstTokenSeconds, figures.PictureSeconds, figures.PrefillTokensPerSecond));
        Assert.Equal(3_000_000_000, figures.PeakBytes);
        Assert.Contains("| decode's share of it | 40 % |", figures.Markdown("a machine"), StringComparison.Ordinal);
    }

    [Fact]
    public void Bandwidth_is_measured_with_any_number_of_threads()
    {
        foreach (var threads in (int[])[1, 3]) Assert.True(MemoryBandwidth.Measure(50_000_000, threads) > 0);
    }

    [Fact]
    public void A_peak_that_is_forgotten_begins_at_what_is_resident()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells the kinds of memory apart.");
        MemoryBandwidth.Measure(200_000_000, threads: 1);
        var before = ProcessMemory.Now();
        ProcessMemory.Forget();
        var after = ProcessMemory.Now();
        Assert.True(after.Peak <= before.Peak && after.Peak >= after.Anonymous, $"{before}, {after}");
    }

    [Fact]
    public async Task The_shipped_model_is_timed_and_the_report_kept()
    {
        string[] args =
        [
            "speed", "--model", Path.Combine(Repository.Root, "models", "cryptogram-edge"), "--tokens", "3", "--rounds", "1", "--threads", "1",
            "--provider", "cpu", "--results", _folder,
        ];
        Assert.Equal(ExitCode.Success, await Cli.RunAsync([SpeedCommand.Create()], args, Cli.UsualGrace, TextWriter.Null));
        var report = Directory.EnumerateFiles(_folder, "speed-cryptogram-edge-ort-cpu-1.json", SearchOption.AllDirectories).Single();
        using var json = JsonDocument.Parse(await File.ReadAllTextAsync(report, TestContext.Current.CancellationToken));
        Assert.Equal(3, json.RootElement.GetProperty("rounds")[0].GetProperty("step_seconds").GetArrayLength());
        Assert.InRange(json.RootElement.GetProperty("share_of_bandwidth").GetDouble(), 1e-6, 1e6);
        Assert.True(json.RootElement.GetProperty("peak_bytes").GetInt64() > json.RootElement.GetProperty("decoder_bytes").GetInt64());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static SpeedFigures Figures(params SpeedRound[] rounds) => new()
    {
        Model = "some",
        Engine = "ort",
        Provider = "cpu",
        Threads = 2,
        PackageBytes = 3_000_000_000,
        DecoderBytes = 2_000_000_000,
        OpenSeconds = 1,
        OpenPeakBytes = 1,
        AnonymousBytes = 1,
        Rounds = rounds,
    };
}
