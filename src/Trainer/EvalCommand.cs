using System.CommandLine;
using System.CommandLine.Parsing;
using Vlm.Model;
using Vlm.Puzzles;
using Vlm.Trainer.Evaluations;
using Vlm.Trainer.Logging;
using static TorchSharp.torch;

namespace Vlm.Trainer;

/// <summary><c>eval &lt;checkpoint&gt;</c>: exact match of a checkpoint on the evaluation splits, puzzle by puzzle, in TorchSharp.</summary>
internal static class EvalCommand
{
    private static readonly Split[] EvaluationSplits = [Split.Clean, Split.Vocabulary, Split.Letters, Split.Fonts, Split.Camera];

    public static Command Create()
    {
        var checkpoint = new Argument<string>("checkpoint") { Description = "Checkpoint folder, or the folder of a run." };
        var splits = new Option<Split[]>("--splits")
        {
            Description = $"Some of {Names(EvaluationSplits)}, with commas between.",
            DefaultValueFactory = _ => EvaluationSplits,
            CustomParser = ParseSplits,
        };
        var severity = new Option<SeverityRange>("--severity")
        {
            Description = "Severities of camera pictures, such as 2 or 0-5.",
            DefaultValueFactory = _ => new SeverityRange(1, 3),
            CustomParser = result => SeverityRange.TryParse(result.Tokens[0].Value, out var range)
                ? range
                : Refuse<SeverityRange>(result, $"--severity is a number from 0 to 5 or a range such as 1-3, not '{result.Tokens[0].Value}'."),
        };
        var count = Positive("--count", "Puzzles per split.", 5400);
        var batch = Positive("--batch", "Puzzles answered together.", 32);
        var threads = Positive("--threads", "Threads for tensor arithmetic; no more than there are free cores.", 2);
        var seed = new Option<long>("--seed") { Description = "Seed of the puzzles.", DefaultValueFactory = _ => 1 };
        var target = new Option<string>("--out") { Description = "File for the result, JSON. What is done so far lies beside it until all is.", Required = true };
        var record = new Option<bool>("--record") { Description = "Write the shares into the checkpoint's provenance.json; export carries them into the package's manifest." };
        var command = new Command("eval", "Exact match of a checkpoint on puzzles that training never sees. Stop it whenever you like: the same command goes on where it was.")
        {
            checkpoint, splits, severity, count, batch, threads, seed, target, record,
        };
        command.SetAction((parsed, stop) =>
        {
            var subject = (string folder) => new EvaluationSubject
            {
                Checkpoint = folder,
                Weights = CheckpointReplies.Hash(folder),
                Seed = parsed.GetValue(seed),
                Count = parsed.GetValue(count),
                Splits = parsed.GetRequiredValue(splits),
                Severity = parsed.GetValue(severity),
                Batch = parsed.GetValue(batch),
            };
            set_num_threads(parsed.GetValue(threads));
            return Task.FromResult(Run(parsed.GetRequiredValue(checkpoint), subject, (parsed.GetRequiredValue(target), parsed.GetValue(record)), stop));
        });
        return command;
    }

    private static int Run(string given, Func<string, EvaluationSubject> subjectOf, (string Path, bool Record) target, CancellationToken stop)
    {
        try
        {
            var folder = CheckpointReplies.Folder(given);
            using var replies = new CheckpointReplies(folder);
            var subject = subjectOf(folder);
            using var results = new PartialEvaluation(target.Path + ".partial", subject);
            if (!Ask(subject, replies, results, stop))
            {
                Console.Error.WriteLine($"Stopped after {results.Puzzles.Count} of {subject.Count * subject.Splits.Count} puzzles. Give the same command to go on.");
                return 1;
            }

            var puzzles = results.Puzzles.Values.OrderBy(puzzle => puzzle.Split).ThenBy(puzzle => puzzle.Index).ToList();
            var scores = EvaluationTables.Scores(puzzles);
            new EvaluationFile(subject, SourceCommit.Current(), scores, puzzles).Save(target.Path);
            results.Delete();
            Console.WriteLine();
            Console.WriteLine(EvaluationTables.ToMarkdown(subject, scores, puzzles));
            Console.WriteLine($"Saved as {target.Path}");
            if (target.Record) Record(folder, subject, scores);
            return 0;
        }
        catch (Exception error) when (error is CheckpointException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(error.Message);
            return 1;
        }
    }

    private static bool Ask(EvaluationSubject subject, CheckpointReplies replies, PartialEvaluation results, CancellationToken stop)
    {
        if (results.Puzzles.Count > 0) Console.WriteLine($"Going on with {results.Puzzles.Count} puzzles asked before.");
        var sources = subject.Splits.ToDictionary(split => split, split => new PuzzleSource(PuzzleOptions.For(split, subject.Severity.Low, subject.Severity.High), subject.Seed));
        var run = new EvaluationRun(subject, (split, index) => sources[split].At(index), replies.To);
        var (finished, batches) = (false, run.Batches(results));
        TrainingProgress.Run("eval", batches, linesEvery: 10, progress =>
        {
            long step = 0;
            finished = run.Finish(results, batch => progress.Report(Step(++step, batch, results)), stop);
        });
        return finished;
    }

    /// <summary>What a batch has to show: exact match so far of the split that it is from.</summary>
    private static TrainingStep Step(long step, IReadOnlyList<EvaluatedPuzzle> batch, PartialEvaluation results)
    {
        var split = results.Puzzles.Values.Where(puzzle => puzzle.Split == batch[0].Split).ToList();
        var right = split.Count(puzzle => puzzle.Right);
        return new TrainingStep(step, split.Count - right, (double)right / split.Count, batch.Count) { Measure = $"{EvaluationTables.Name(batch[0].Split)}: wrong", Unit = "puzzles" };
    }

    /// <summary>One share per split; of camera pictures the severities are in the name, as they decide what the share says.</summary>
    private static void Record(string folder, EvaluationSubject subject, IReadOnlyList<EvaluationScore> scores)
    {
        var provenance = CheckpointProvenance.Read(folder);
        var accuracy = new SortedDictionary<string, double>(provenance.Accuracy.ToDictionary(), StringComparer.Ordinal);
        foreach (var score in scores.Where(score => score.Group == EvaluationTables.All))
            accuracy[score.Split == Split.Camera ? $"camera {subject.Severity}" : EvaluationTables.Name(score.Split)] = (double)score.Right / score.Count;
        CheckpointProvenance.Write(folder, provenance with { Accuracy = accuracy });
        Console.WriteLine($"Recorded in {folder}: {string.Join(", ", accuracy.Select(entry => $"{entry.Key} {entry.Value * 100:F2} %"))}");
    }

    private static Split[]? ParseSplits(ArgumentResult result)
    {
        var names = result.Tokens[0].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var splits = names.Select(name => Array.Find(EvaluationSplits, split => EvaluationTables.Name(split) == name)).Distinct().ToArray();
        // Train, which is not evaluated, is the default value of a name that was not found.
        return splits.Length == 0 || splits.Contains(Split.Train)
            ? Refuse<Split[]>(result, $"--splits are some of {Names(EvaluationSplits)}, not '{result.Tokens[0].Value}'.")
            : splits;
    }

    private static string Names(IEnumerable<Split> splits) => string.Join(",", splits.Select(EvaluationTables.Name));

    private static Option<int> Positive(string name, string description, int usual) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => usual,
        CustomParser = result => int.TryParse(result.Tokens[0].Value, out var value) && value > 0
            ? value
            : Refuse<int>(result, $"{name} is a whole number of at least 1, not '{result.Tokens[0].Value}'."),
    };

    private static T? Refuse<T>(ArgumentResult result, string message)
    {
        result.AddError(message);
        return default;
    }
}
