using Vlm.Cryptogram;
using Vlm.Puzzles;
using Vlm.Trainer.Runs;
using Vlm.Vision;

namespace Vlm.Trainer.Tests.Runs;

public sealed class EvaluationRunTests : IDisposable
{
    private static readonly Cipher Cipher = new("qwertyuiopasdfghjklzxcvbnm");

    private static readonly EvaluationSubject Subject = new()
    {
        Checkpoint = "models/x",
        Weights = new string('a', 64),
        Seed = 1,
        Count = 10,
        Splits = [Split.Camera, Split.Clean],
        Severity = new SeverityRange(1, 3),
        Batch = 4,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("evaluation").FullName;

    private string Partial => Path.Combine(_folder, "result.json.partial");

    [Fact]
    public void Every_puzzle_of_every_split_is_asked_once_and_scored_by_words_and_severity()
    {
        using var results = EvaluationRun.Open(Partial, Subject);
        var run = new EvaluationRun(Subject, Draw, puzzles => [.. puzzles.Select(puzzle => Reply(puzzle, puzzle.Severity != 2))]);
        run.Finish(results, TestContext.Current.CancellationToken);

        var scores = EvaluationTables.Scores(results.Items.Values).ToDictionary(score => $"{score.Split} {score.Group}", score => (score.Right, score.Count));
        Assert.Equal((10, 10), scores["Clean all"]);
        Assert.Equal((7, 10), scores["Camera all"]);
        Assert.Equal((0, 3), scores["Camera severity 2"]);
        Assert.Equal((4, 4), scores["Camera severity 1"]);
        Assert.Equal(5, scores["Clean 1 word"].Count);
        Assert.DoesNotContain("Clean severity 0", scores.Keys);
        var wrong = results.Items[(Split.Camera, 1)];
        Assert.Equal((false, "no idea", 0.25), (wrong.Right, wrong.Reply, wrong.Confidence));
    }

    [Fact]
    public void A_stopped_evaluation_goes_on_with_what_is_missing_also_after_a_torn_line()
    {
        var asked = new List<string>();
        IReadOnlyList<PuzzleReply> Ask(IReadOnlyList<Puzzle> puzzles)
        {
            asked.AddRange(puzzles.Select(puzzle => puzzle.Answer + puzzle.Severity));
            return [.. puzzles.Select(puzzle => Reply(puzzle, true))];
        }

        IReadOnlyList<PuzzleReply> AskAndStop(IReadOnlyList<Puzzle> puzzles, CancellationTokenSource stop)
        {
            stop.Cancel();
            return Ask(puzzles);
        }

        using (var stop = new CancellationTokenSource())
        using (var results = EvaluationRun.Open(Partial, Subject))
            Assert.Throws<StoppedException>(() => new EvaluationRun(Subject, Draw, puzzles => AskAndStop(puzzles, stop)).Finish(results, stop.Token));
        Assert.Equal(4, asked.Count);
        File.AppendAllText(Partial, """{"split":"camera","ind""");

        using (var results = EvaluationRun.Open(Partial, Subject))
        {
            Assert.Equal(4, results.Items.Count);
            new EvaluationRun(Subject, Draw, Ask).Finish(results, TestContext.Current.CancellationToken);
            Assert.Equal(20, results.Items.Count);
            results.Delete();
        }
        Assert.Equal(20, asked.Count);
        Assert.Equal(20, asked.Distinct().Count());
        Assert.False(File.Exists(Partial));
    }

    [Fact]
    public void What_was_begun_with_other_weights_is_not_gone_on_with()
    {
        EvaluationRun.Open(Partial, Subject).Dispose();
        var error = Assert.Throws<UserException>(() => EvaluationRun.Open(Partial, Subject with { Weights = new string('b', 64) }));
        Assert.Contains("another run", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_result_survives_saving_and_anything_else_is_refused()
    {
        var path = Path.Combine(_folder, "result.json");
        EvaluatedPuzzle[] puzzles = [new(Split.Clean, 0, "a b", true, "reference400", 1, 0, 0.5), new(Split.Clean, 1, "a c", false, "reference400", 1, 0, null)
            { Reply = "→ \"x\"\n" }];
        var file = new EvaluationFile(Subject, "abc", EvaluationTables.Scores(puzzles), puzzles);
        file.Save(path);
        Assert.Equivalent(file, EvaluationFile.Load(path), strict: true);
        File.WriteAllText(path, """{ "subject": {}, "total": 3 }""");
        Assert.Contains("not a finished evaluation", Assert.Throws<InvalidDataException>(() => EvaluationFile.Load(path)).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>One or two words; camera severities 1, 2, 3 in turn.</summary>
    private static Puzzle Draw(Split split, long index)
    {
        var answer = $"w{(char)('a' + index)}" + (index % 2 == 0 ? "" : " dog");
        var severity = split == Split.Camera ? 1 + (int)(index % 3) : 0;
        return new Puzzle(
            answer, $"q _ {answer[1]}", Cipher, new RgbImage(1, 1, new byte[3]), [], severity > 0 ? PictureKind.Camera : PictureKind.Reference400, severity);
    }

    private static PuzzleReply Reply(Puzzle puzzle, bool right) => new(right ? $"<answer>{puzzle.Answer}</answer>" : "no idea", 0.25);
}
