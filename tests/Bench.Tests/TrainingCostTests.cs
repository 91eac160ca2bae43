using Vlm.Bench.Training;

namespace Vlm.Bench.Tests;

public sealed class TrainingCostTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cost").FullName;

    [Fact]
    public void Speeds_are_of_whole_steps_by_processor_time_and_the_first_steps_do_not_count()
    {
        Write("slow", Step(1, 100), Step(2, 10), Step(3, 10));
        Write("fast", Step(1, 100), Step(2, 2));
        TrainingCost[] costs = [TrainingCost.Read(At("slow"), 1), TrainingCost.Read(At("fast"), 1)];
        Assert.Equal((2, 128.0, 40.0, 20.0), (costs[0].Steps, costs[0].Completions, costs[0].Seconds, costs[0].CpuSeconds));
        Assert.Equal(0.75, costs[0].Signal);
        var table = TrainingCost.Markdown(costs, "a machine");
        Assert.Contains("| slow | 2 | 3.2 | 6.4 | 1.0 | 25 % | 8.0 | 75 % | 0.050 |", table, StringComparison.Ordinal);
        Assert.Contains("| fast | 1 | 16.0 | 32.0 | 5.0 |", table, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_run_says_what_to_give()
    {
        Assert.Contains("Give the folder of a run", Error("nowhere"), StringComparison.Ordinal);
        Write("young", """{"step":0,"elapsed":1,"grpo/exact_words_1":1}""");
        Assert.Contains("no steps of `grpo` after the first 1", Error("young"), StringComparison.Ordinal);
        Write("torn", """{"step":0,""");
        Assert.Contains("no metrics line", Error("torn"), StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Error(string run) => Assert.Throws<UserException>(() => TrainingCost.Read(At(run), 1)).Message;

    private void Write(string run, params string[] lines)
    {
        Directory.CreateDirectory(At(run));
        File.WriteAllLines(Path.Combine(At(run), "metrics.jsonl"), lines);
    }

    private string At(string run) => Path.Combine(_folder, run);

    /// <summary>A step of 64 completions that takes twice its processor time, half of that in the sampler.</summary>
    private static string Step(int step, int cpu) =>
        $$"""{"step":{{step}},"grpo/time/step_s":{{2 * cpu}},"grpo/time/sample_s":{{cpu / 2}},"grpo/time/cpu_s":{{cpu}},"""
        + $$""" "grpo/completions_per_s":{{128.0 / cpu}},"""
        + """ "grpo/decisions":8,"grpo/length_mean":70,"grpo/groups_without_signal":0.25,"grpo/entropy":0.05}""";
}
