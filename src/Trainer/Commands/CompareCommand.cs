using System.CommandLine;
using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Commands;

/// <summary><c>compare A B</c>: two results of <c>eval</c> on the same puzzles, paired.</summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var a = new Argument<string>("A") { Description = "Result of eval." };
        var b = new Argument<string>("B") { Description = "Result of eval on the same puzzles." };
        var command = new Command(
            "compare", "Which of two checkpoints is better, puzzle by puzzle: paired counts, interval of the difference, McNemar's exact test.") { a, b };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(a), parsed.GetRequiredValue(b)));
        return command;
    }

    private static void Run(string first, string second)
    {
        var (a, b) = (EvaluationFile.Load(first), EvaluationFile.Load(second));
        Console.WriteLine(Comparison.ToMarkdown(a.Subject, b.Subject, Comparison.Of(a, b)));
    }
}
