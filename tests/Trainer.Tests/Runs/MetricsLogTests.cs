using Microsoft.Extensions.Time.Testing;
using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Tests.Runs;

public sealed class MetricsLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("metrics-").FullName;
    private readonly FakeTimeProvider _clock = new();

    private string MetricsPath => Path.Combine(_folder, "metrics.jsonl");

    [Fact]
    public void A_line_is_one_json_object_with_step_elapsed_and_the_values()
    {
        using (var log = new MetricsLog(MetricsPath, 0, _clock))
        {
            _clock.Advance(TimeSpan.FromSeconds(1.5));
            log.Append(20, new Dictionary<string, double> { ["train/loss"] = 0.75, ["train/norm"] = double.NaN });
        }

        Assert.Equal("{\"step\":20,\"elapsed\":1.5,\"train/loss\":0.75,\"train/norm\":\"NaN\"}\n", File.ReadAllText(MetricsPath));
        var line = Assert.Single(MetricsLog.Read(MetricsPath));
        Assert.Equal((20, 1.5, 0.75), (line.Step, line.Elapsed, line.Values["train/loss"]));
        Assert.True(double.IsNaN(line.Values["train/norm"]));
    }

    [Fact]
    public void A_resumed_run_leaves_the_file_of_an_unbroken_one()
    {
        string unbroken = Path.Combine(_folder, "unbroken.jsonl");
        Train(unbroken, resumeStep: 0, from: 1, to: 30);

        Train(MetricsPath, resumeStep: 0, from: 1, to: 17);
        Train(MetricsPath, resumeStep: 10, from: 11, to: 30);

        Assert.Equal(File.ReadAllText(unbroken), File.ReadAllText(MetricsPath));
    }

    [Fact]
    public void A_line_torn_by_a_crash_is_cut_on_resume_and_ignored_when_read()
    {
        Train(MetricsPath, resumeStep: 0, from: 1, to: 3);
        string whole = File.ReadAllText(MetricsPath);
        File.AppendAllText(MetricsPath, "{\"step\":4,\"ela");
        Assert.Equal(3, MetricsLog.Read(MetricsPath).Count);

        new MetricsLog(MetricsPath, 3, _clock).Dispose();

        Assert.Equal(whole, File.ReadAllText(MetricsPath));
    }

    [Fact]
    public void A_fresh_run_starts_an_empty_file()
    {
        Train(MetricsPath, resumeStep: 0, from: 1, to: 3);

        new MetricsLog(MetricsPath, 0, _clock).Dispose();

        Assert.Empty(File.ReadAllText(MetricsPath));
    }

    [Fact]
    public void A_broken_line_in_the_middle_is_named_with_its_number_and_the_file_is_left_alone()
    {
        File.WriteAllText(MetricsPath, "{\"step\":1,\"elapsed\":0}\nnonsense\n{\"step\":2,\"elapsed\":0}\n");
        string before = File.ReadAllText(MetricsPath);

        var error = Assert.Throws<InvalidDataException>(() => new MetricsLog(MetricsPath, 5, _clock));

        Assert.Contains("Line 2 of", error.Message);
        Assert.Contains("nonsense", error.Message);
        Assert.Equal(before, File.ReadAllText(MetricsPath));
    }

    [Fact]
    public void Steps_that_go_back_and_reserved_names_are_refused()
    {
        using var log = new MetricsLog(MetricsPath, 0, _clock);
        log.Append(5, new Dictionary<string, double>());

        Assert.Throws<ArgumentException>(() => log.Append(4, new Dictionary<string, double>()));
        Assert.Throws<ArgumentException>(() => log.Append(6, new Dictionary<string, double> { ["step"] = 1 }));
        Assert.Single(MetricsLog.Read(MetricsPath));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // One step takes one second, and the clock starts where the kept part of the run ended.
    private void Train(string path, long resumeStep, int from, int to)
    {
        using var log = new MetricsLog(path, resumeStep, _clock);
        for (int step = from; step <= to; step++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            log.Append(step, new Dictionary<string, double> { ["loss"] = 1.0 / step });
        }
    }
}
