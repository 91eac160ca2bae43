using Vlm.Puzzles;
using Vlm.Trainer.Commands;
using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Tests.Runs;

public sealed class ComparisonTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("comparison").FullName;

    [Fact]
    public void Puzzles_are_paired_and_tested()
    {
        //                     both x3, only A x5, only B x1, neither x2
        var counts = Comparison.Of(File("11111111000"), File("11100000100"));
        var all = counts[^1];
        Assert.Equal(("all", 3, 5, 1, 2), (all.Group, all.Both, all.OnlyA, all.OnlyB, all.Neither));
        Assert.Equal(0.21875, all.P, 12);   // 2 · (1 + 6) / 64
        Assert.Equal(4 / 11.0, all.Difference.Value, 12);
        Assert.Equal(["1 word", "2 words", "all"], counts.Select(count => count.Group));
        var table = Comparison.ToMarkdown(File("1").Subject, File("1").Subject, counts);
        Assert.Contains("| clean | all | 3 | 5 | 1 | 2 | 72.73 % | 36.36 % | +36.36 |", table, StringComparison.Ordinal);
        Assert.Contains("| 0.219 |", table, StringComparison.Ordinal);
    }

    [Fact]
    public void Evaluations_of_other_puzzles_are_refused_and_the_first_difference_named()
    {
        var a = File("110");
        void Refused(EvaluationFile b, string expected) =>
            Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => Comparison.Of(a, b)).Message, StringComparison.Ordinal);

        Refused(File("11"), "puzzle clean 2 is in A alone");
        Refused(File("1101"), "puzzle clean 3 is in B alone");
        Refused(a with { Subject = a.Subject with { Seed = 2 } }, "seed 1 in A, 2 in B");
        Refused(a with
        { Puzzles = [a.Puzzles[0], a.Puzzles[1] with { Code = "z" }, a.Puzzles[2]] }, "puzzle clean 1 is 'a 1' (reference400, severity 0) in A, 'z'");
        Refused(a with { Puzzles = [a.Puzzles[0] with { Severity = 3 }, a.Puzzles[1], a.Puzzles[2]] }, "severity 3) in B");
    }

    [Fact]
    public void The_command_ends_with_0_on_the_same_puzzles_1_on_others_and_2_without_a_second_file()
    {
        string At(string name) => Path.Combine(_folder, name);
        File("110").Save(At("a.json"));
        File("101").Save(At("b.json"));
        File("10").Save(At("c.json"));
        Assert.Equal(0, TinyCheckpoint.Run(CompareCommand.Create(), At("a.json"), At("b.json")));
        Assert.Equal(1, TinyCheckpoint.Run(CompareCommand.Create(), At("a.json"), At("c.json")));
        Assert.Equal(1, TinyCheckpoint.Run(CompareCommand.Create(), At("a.json"), At("nowhere.json")));
        Assert.Equal(2, TinyCheckpoint.Run(CompareCommand.Create(), At("a.json")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>One clean puzzle a digit, 1 for right; one and two words in turn.</summary>
    private static EvaluationFile File(string right)
    {
        EvaluatedPuzzle[] puzzles = [.. right.Select(
            (digit, i) => new EvaluatedPuzzle(Split.Clean, i, $"a {i}", digit == '1', "reference400", 1 + i % 2, 0, 0.5))];
        var subject = new EvaluationSubject
        {
            Checkpoint = "models/x",
            Weights = new string('a', 64),
            Seed = 1,
            Count = right.Length,
            Splits = [Split.Clean],
            Severity = new SeverityRange(1, 3),
            Batch = 4,
        };
        return new EvaluationFile(subject, null, EvaluationTables.Scores(puzzles), puzzles);
    }
}
