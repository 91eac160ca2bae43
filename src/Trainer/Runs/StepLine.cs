using Vlm.CommandLine;

namespace Vlm.Trainer.Runs;

/// <summary>What the display of a training run shows of its steps.</summary>
internal static class StepLine
{
    /// <summary>The display of a run.</summary>
    /// <param name="run">Its name.</param>
    /// <param name="steps">Steps of the whole run.</param>
    /// <param name="done">Steps that are done already.</param>
    /// <param name="unit">What a step is made of, in the plural: the speed is measured in it.</param>
    public static ProgressPlan Plan(string run, long steps, long done, string unit) => new(run, steps, "steps") { Known = done, SpeedUnit = unit };

    /// <summary>The result of a step: its loss or reward, and the share of messages read right at the last probe, 0 to 1; null before the first.</summary>
    public static string Detail(string measure, double value, double? exact) =>
        $"{measure} {value:G4}, exact {(exact is { } share ? $"{share * 100:F1} %" : "-")}";
}
