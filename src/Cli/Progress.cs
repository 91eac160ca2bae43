using Spectre.Console;

namespace Vlm.CommandLine;

/// <summary>What a progress display is about.</summary>
/// <param name="Title">What is being done, such as the name of a run.</param>
/// <param name="Total">How much there is to do, in <paramref name="Unit"/>.</param>
/// <param name="Unit">What is counted, in the plural.</param>
public sealed record ProgressPlan(string Title, long Total, string Unit)
{
    /// <summary>How much an earlier run has done already.</summary>
    public long Known { get; init; }

    /// <summary>What the speed is measured in, where it is not <see cref="Unit"/>.</summary>
    public string? SpeedUnit { get; init; }

    /// <summary>How often there is a line where no bar can be shown.</summary>
    public TimeSpan LineEvery { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Whether the output is for results alone: the display goes to the error stream, and the bar vanishes at the end.</summary>
    public bool IsBesideResults { get; init; }
}

/// <summary>Shows how work gets on: a bar in a terminal, a line every now and then in a log; with speed and time left.</summary>
public sealed class Progress
{
    // Speed is that of the last reports: a resumed or disturbed run is not judged by its past.
    private const int SpeedWindow = 50;

    private readonly ProgressPlan _plan;
    private readonly TimeProvider _clock;
    private readonly Action<long, string> _show;
    private readonly Action<string> _note;
    private readonly Queue<(long Time, long Done, long Amount)> _recent = new();
    private long _done, _amount;

    private Progress(ProgressPlan plan, TimeProvider clock, Action<long, string> show, Action<string> note)
    {
        (_plan, _clock, _show, _note) = (plan, clock, show, note);
        _done = plan.Known;
        _recent.Enqueue((clock.GetTimestamp(), _done, 0));
    }

    /// <summary>Does work under a display, which ends with it.</summary>
    /// <param name="plan">What the display is about.</param>
    /// <param name="work">The work; it calls <see cref="Add"/> when something is done and <see cref="Note"/> when there is something to say.</param>
    public static void Run(ProgressPlan plan, Action<Progress> work)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(work);
        var stream = plan.IsBesideResults ? Console.Error : Console.Out;
        if (plan.IsBesideResults ? Console.IsErrorRedirected : Console.IsOutputRedirected)
            work(InLines(plan, stream, TimeProvider.System));
        else
            UnderBar(plan, stream, work);
    }

    /// <summary>The display without a terminal: a line every <see cref="ProgressPlan.LineEvery"/>, and one at the end.</summary>
    public static Progress InLines(ProgressPlan plan, TextWriter output, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(clock);
        var last = clock.GetTimestamp();
        return new Progress(plan, clock, Show, Write);

        void Show(long done, string line)
        {
            if (done < plan.Total && clock.GetElapsedTime(last) < plan.LineEvery) return;
            last = clock.GetTimestamp();
            Write($"{plan.Title}: {line}");
        }

        void Write(string line)
        {
            output.WriteLine(line);
            output.Flush();
        }
    }

    /// <summary>Says that something is done.</summary>
    /// <param name="done">How much, in the plan's unit.</param>
    /// <param name="detail">What else there is to show, such as a loss.</param>
    /// <param name="amount">How much in the unit of the speed; by default <paramref name="done"/>.</param>
    public void Add(long done, string? detail = null, long? amount = null)
    {
        (_done, _amount) = (_done + done, _amount + (amount ?? done));
        _recent.Enqueue((_clock.GetTimestamp(), _done, _amount));
        if (_recent.Count > SpeedWindow) _recent.Dequeue();
        _show(_done, Line(detail));
    }

    /// <summary>Writes a line that stays, such as an evaluation's result; a bar goes on below it.</summary>
    public void Note(string line) => _note(line);

    private static void UnderBar(ProgressPlan plan, TextWriter stream, Action<Progress> work)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(stream), Interactive = InteractionSupport.Yes });
        console.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 24 }, new PercentageColumn())
            .AutoClear(plan.IsBesideResults)
            .Start(context =>
            {
                var task = context.AddTask(Markup.Escape(plan.Title), maxValue: plan.Total);
                task.Value = plan.Known;
                work(new Progress(plan, TimeProvider.System, Show, console.WriteLine));

                void Show(long done, string line)
                {
                    task.Value = done;
                    task.Description = Markup.Escape($"{plan.Title}: {line}");
                }
            });
    }

    private string Line(string? detail)
    {
        var (oldest, now) = (_recent.Peek(), _clock.GetTimestamp());
        var seconds = _clock.GetElapsedTime(oldest.Time, now).TotalSeconds;
        var isMeasured = seconds > 0 && _done > oldest.Done;
        var speed = isMeasured ? $"{(_amount - oldest.Amount) / seconds:F1}" : "-";
        var left = isMeasured ? Duration((_plan.Total - _done) * seconds / (_done - oldest.Done)) : "-";
        return $"{_done}/{_plan.Total} {_plan.Unit}, {speed} {_plan.SpeedUnit ?? _plan.Unit}/s, {left} left" + (detail is null ? "" : $", {detail}");
    }

    private static string Duration(double seconds)
    {
        var span = TimeSpan.FromSeconds(Math.Round(Math.Max(0, seconds)));
        return $"{(long)span.TotalHours}:{span.Minutes:D2}:{span.Seconds:D2}";
    }
}
