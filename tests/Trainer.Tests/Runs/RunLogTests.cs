using Microsoft.Extensions.Time.Testing;
using Vlm.Trainer.Runs;
using Vlm.Vision;

namespace Vlm.Trainer.Tests.Runs;

public sealed class RunLogTests : IDisposable
{
    private readonly string _folder = Path.Combine(Directory.CreateTempSubdirectory("run-").FullName, "edge");
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void A_run_writes_metrics_events_and_plots_into_its_folder()
    {
        using var log = new RunLog(_folder, 0, _clock);
        for (int step = 1; step <= 300; step++)
        {
            log.Log(step, new Dictionary<string, double>
            { ["train/loss"] = 3 * Math.Exp(-step / 60.0) + 0.2 * Math.Abs(Math.Sin(step)), ["train/rate"] = 1e-3 });
        }
        log.Log(300, new Dictionary<string, double> { ["eval/exact"] = 0.5 });

        string? picture = log.Plot("loss", new PlotStyle("Loss", IsLog: true, Smoothing: 0.9), "train/loss", "train/rate", "eval/exact", "never/logged");

        Assert.Equal(301, MetricsLog.Read(log.MetricsPath).Count);
        Assert.Single(Directory.GetFiles(_folder, "events.out.tfevents.*"));
        Assert.Equal(Path.Combine(_folder, "plots", "loss.png"), picture);
        var image = ImageCodec.Decode(File.ReadAllBytes(picture!));
        Assert.Equal((1200, 828), (image.Width, image.Height));
    }

    [Fact]
    public void Nothing_is_drawn_while_there_is_nothing_to_draw()
    {
        using var log = new RunLog(_folder, 0, _clock);
        log.Log(1, new Dictionary<string, double> { ["loss"] = double.NaN, ["zero"] = 0 });

        Assert.Null(log.Plot("loss", new PlotStyle("Loss"), "loss"));
        Assert.Null(log.Plot("loss", new PlotStyle("Loss", IsLog: true), "zero", "never/logged"));
        Assert.False(Directory.Exists(Path.Combine(_folder, "plots")));
    }

    [Fact]
    public void A_resumed_run_goes_on_in_the_same_folder()
    {
        using (var log = new RunLog(_folder, 0, _clock))
        {
            for (int step = 1; step <= 20; step++)
                log.Log(step, new Dictionary<string, double> { ["loss"] = step });
        }

        using (var log = new RunLog(_folder, 10, _clock))
            log.Log(11, new Dictionary<string, double> { ["loss"] = 0 });

        Assert.Equal(Enumerable.Range(1, 11).Select(step => (long)step), MetricsLog.Read(Path.Combine(_folder, "metrics.jsonl")).Select(line => line.Step));
        Assert.Equal(2, Directory.GetFiles(_folder, "events.out.tfevents.*").Length);
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);
}
