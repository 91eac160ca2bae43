using Spectre.Console;

namespace Vlm.Trainer.Runs;

/// <summary>What one training step has to show.</summary>
/// <param name="Step">The step just done, counted from 1.</param>
/// <param name="Loss">Its loss.</param>
/// <param name="ExactMatch">Share of messages read right at the last evaluation, 0 to 1; null before the first.</param>
/// <param name="Examples">Examples in this step.</param>
public readonly record struct TrainingStep(long Step, double Loss, double? ExactMatch, int Examples)
{
    /// <summary>What <see cref="Loss"/> is, where it is something else, such as a reward.</summary>
    public string Measure { get; init; } = "loss";

    /// <summary>What <see cref="Examples"/> counts.</summary>
    public string Unit { get; init; } = "examples";
}

/// <summary>Shows how a run gets on: a live bar in a terminal, a line every so many steps where the output goes to a file.</summary>
public sealed class TrainingProgress
{
    private const int RateWindow = 50;

    private readonly Action<TrainingStep, string> _show;
    private readonly Action<string> _note;
    private readonly TimeProvider _clock;
    private readonly long _totalSteps;
    private readonly long _started;
    private readonly Queue<(long Time, long Step, long Examples)> _recent = new();
    private long _examples;

    private TrainingProgress(long totalSteps, TimeProvider clock, Action<TrainingStep, string> show, Action<string> note)
    {
        (_totalSteps, _clock, _show, _note) = (totalSteps, clock, show, note);
        _started = clock.GetTimestamp();
    }

    /// <summary>Runs a training loop under a progress display, which ends with it.</summary>
    /// <param name="title">What is being done, such as the run's and the stage's name.</param>
    /// <param name="totalSteps">Steps of the whole run.</param>
    /// <param name="linesEvery">Steps per line when the console cannot show a live bar.</param>
    /// <param name="loop">The loop; calls <see cref="Report"/> after each step and <see cref="Note"/> when there is something to say.</param>
    public static void Run(string title, long totalSteps, int linesEvery, Action<TrainingProgress> loop)
    {
        if (Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Interactive)
        {
            loop(Plain(title, totalSteps, linesEvery, Console.Out, TimeProvider.System));
            return;
        }

        AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 24 }, new PercentageColumn())
            .Start(context =>
            {
                var task = context.AddTask(Markup.Escape(title), maxValue: totalSteps);
                void Show(TrainingStep step, string line)
                {
                    task.Value = step.Step;
                    task.Description = Markup.Escape($"{title}: {line}");
                }

                loop(new TrainingProgress(totalSteps, TimeProvider.System, Show, AnsiConsole.WriteLine));
            });
    }

    /// <summary>The display without a terminal: one line per <paramref name="linesEvery"/> steps, and one for the last step.</summary>
    public static TrainingProgress Plain(string title, long totalSteps, int linesEvery, TextWriter output, TimeProvider clock)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(linesEvery);
        return new TrainingProgress(totalSteps, clock, Show, Write);

        void Show(TrainingStep step, string line)
        {
            if (step.Step % linesEvery == 0 || step.Step == totalSteps)
                Write($"{title}: {line}");
        }

        void Write(string line)
        {
            output.WriteLine(line);
            output.Flush();
        }
    }

    /// <summary>Tells of one finished step.</summary>
    public void Report(TrainingStep step)
    {
        if (_recent.Count == 0)
            _recent.Enqueue((_started, step.Step - 1, 0));
        _examples += step.Examples;
        _recent.Enqueue((_clock.GetTimestamp(), step.Step, _examples));
        if (_recent.Count > RateWindow)
            _recent.Dequeue();
        _show(step, Line(step));
    }

    /// <summary>Writes a line that stays, such as an evaluation's result; a live bar goes on below it.</summary>
    public void Note(string line) => _note(line);

    private string Line(TrainingStep step)
    {
        string exact = step.ExactMatch is { } share ? $"{share * 100:F1} %" : "-";
        var (oldest, newest) = (_recent.Peek(), (Time: _clock.GetTimestamp(), step.Step, Examples: _examples));
        double seconds = _clock.GetElapsedTime(oldest.Time, newest.Time).TotalSeconds;
        bool measured = seconds > 0 && newest.Step > oldest.Step;
        string rate = measured ? $"{(newest.Examples - oldest.Examples) / seconds:F1}" : "-";
        string left = measured ? Duration((_totalSteps - step.Step) * seconds / (newest.Step - oldest.Step)) : "-";
        return $"step {step.Step}/{_totalSteps}, {step.Measure} {step.Loss:G4}, exact {exact}, {rate} {step.Unit}/s, ETA {left}";
    }

    private static string Duration(double seconds)
    {
        var span = TimeSpan.FromSeconds(Math.Round(seconds));
        return $"{(long)span.TotalHours}:{span.Minutes:D2}:{span.Seconds:D2}";
    }
}
