using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Puzzles;
using Vlm.Trainer.Model;
using Vlm.Trainer.Runs;
using static TorchSharp.torch;

namespace Vlm.Trainer.Commands;

/// <summary><c>eval &lt;checkpoint&gt;</c>: exact match of a checkpoint on the evaluation splits, puzzle by puzzle, in TorchSharp.</summary>
internal static class EvalCommand
{
    public static Command Create()
    {
        var checkpoint = new Argument<string>("checkpoint") { Description = "Checkpoint folder, or the folder of a run." };
        var splits = CheckedOption.Splits("Some of the splits, with commas between.");
        var severity = CheckedOption.Severity(new SeverityRange(1, 3));
        var stratum = CheckedOption.Stratum();
        var count = CheckedOption.Positive("--count", "Puzzles per split.", 5400);
        var batch = CheckedOption.Positive("--batch", "Puzzles answered together.", 32);
        var threads = CheckedOption.Positive("--threads", "Threads for tensor arithmetic; no more than there are free cores.", 2);
        var seed = new Option<long>("--seed") { Description = "Seed of the puzzles.", DefaultValueFactory = _ => 1 };
        var target = new Option<string>("--out")
        { Description = "File for the result, JSON. What is done so far lies beside it until all is.", Required = true };
        var device = TrainerOptions.Device();
        var held = new Option<bool>("--held") { Description = "Hold replies to the grammar, letter by letter; free replies without it." };
        var record = new Option<bool>("--record")
        { Description = "Write the shares into the checkpoint's provenance.json; export carries them into the package's manifest." };
        var command = new Command(
            "eval", "Exact match of a checkpoint on puzzles that training never sees. Stop it at any time: the same command goes on where it was.")
        {
            checkpoint, splits, severity, stratum, count, held, batch, threads, device, seed, target, record,
        };
        command.SetAction((parsed, stop) =>
        {
            set_num_threads(parsed.GetValue(threads));
            var folder = CheckpointReplies.Folder(parsed.GetRequiredValue(checkpoint));
            using var replies = new CheckpointReplies(folder, Compute.FindDevice(parsed.GetRequiredValue(device)), parsed.GetValue(held));
            var subject = new EvaluationSubject
            {
                Checkpoint = folder,
                Weights = CheckpointReplies.Hash(folder),
                Seed = parsed.GetValue(seed),
                Count = parsed.GetValue(count),
                Splits = parsed.GetRequiredValue(splits),
                Severity = parsed.GetValue(severity),
                Stratum = parsed.GetValue(stratum),
                Held = parsed.GetValue(held),
                Batch = parsed.GetValue(batch),
            };
            Run(subject, replies, (parsed.GetRequiredValue(target), parsed.GetValue(record)), stop);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Run(EvaluationSubject subject, CheckpointReplies replies, (string Path, bool Record) target, CancellationToken stop)
    {
        using var results = EvaluationRun.Open(target.Path + ".partial", subject);
        var sources = subject.Splits.ToDictionary(split => split, split => new PuzzleSource(Options(split, subject), subject.Seed));
        new EvaluationRun(subject, (split, index) => sources[split].At(index), replies.To).Finish(results, stop);
        var puzzles = results.Items.Values.OrderBy(puzzle => puzzle.Split).ThenBy(puzzle => puzzle.Index).ToList();
        var scores = EvaluationTables.Scores(puzzles);
        new EvaluationFile(subject, SourceCommit.Current(), scores, puzzles).Save(target.Path);
        results.Delete();
        Console.WriteLine();
        Console.WriteLine(EvaluationTables.ToMarkdown(subject, scores, puzzles));
        Console.WriteLine($"Saved as {target.Path}");
        if (target.Record) Record(subject.Checkpoint, subject, scores);
    }

    private static PuzzleOptions Options(Split split, EvaluationSubject subject) =>
        PuzzleOptions.For(split, subject.Severity.Low, subject.Severity.High).Of(subject.Stratum);

    /// <summary>
    /// One share per split; of camera pictures the severities are in the name, and of pictures with which something is the matter the stratum, as they decide
    /// what the share says.
    /// </summary>
    private static void Record(string folder, EvaluationSubject subject, IReadOnlyList<EvaluationScore> scores)
    {
        var provenance = CheckpointProvenance.Read(folder);
        var accuracy = new SortedDictionary<string, double>(provenance.Accuracy.ToDictionary(), StringComparer.Ordinal);
        foreach (var score in scores.Where(score => score.Group == EvaluationTables.All))
        {
            var split = score.Split == Split.Camera ? $"camera {subject.Severity}" : EvaluationTables.Name(score.Split);
            var name = subject.Stratum == Stratum.Whole ? split : $"{split} {subject.Stratum.ToString().ToLowerInvariant()}";
            accuracy[subject.Held ? $"{name} held" : name] = (double)score.Right / score.Count;
        }

        CheckpointProvenance.Write(folder, provenance with { Accuracy = accuracy });
        Console.WriteLine($"Recorded in {folder}: {string.Join(", ", accuracy.Select(entry => $"{entry.Key} {entry.Value * 100:F2} %"))}");
    }
}
