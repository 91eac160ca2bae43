using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Cryptogram;
using Vlm.Model;
using Vlm.Puzzles;
using Vlm.Text;
using Vlm.Trainer.Data;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Commands;

/// <summary><c>reply &lt;checkpoint&gt;</c>: what a checkpoint says to puzzles, in TorchSharp, without an export; with all logits on request.</summary>
internal static class ReplyCommand
{
    public static Command Create()
    {
        var checkpoint = new Argument<string>("checkpoint") { Description = "Folder in Hugging Face layout." };
        var split = CheckedOption.Split("Which puzzles.", Split.Clean);
        var count = CheckedOption.Positive("--count", "How many.", 10);
        var seed = new Option<long>("--seed") { Description = "Seed of the puzzles.", DefaultValueFactory = _ => 1 };
        var device = TrainerOptions.Device();
        var logits = new Option<string?>("--logits") { Description = "File for the tokens and the logits of every reply, safetensors." };
        var command = new Command("reply", "Reply to puzzles with a checkpoint, in float32.") { checkpoint, split, count, seed, device, logits };
        command.SetAction(parsed =>
        {
            var source = new PuzzleSource(PuzzleOptions.For(parsed.GetValue(split)), parsed.GetValue(seed));
            var compute = Compute.Exact with { Device = Compute.FindDevice(parsed.GetRequiredValue(device)) };
            Run(parsed.GetRequiredValue(checkpoint), compute, [.. Enumerable.Range(0, parsed.GetValue(count)).Select(i => source.At(i))],
                parsed.GetValue(logits));
        });
        return command;
    }

    private static void Run(string folder, Compute compute, IReadOnlyList<Puzzle> puzzles, string? logitsFile)
    {
        using var checkpoint = CheckpointFolder.Open(folder);
        using var model = ModelWeights.Load(checkpoint, compute);
        var input = CheckpointInput.Load(folder);
        var greedy = new GreedyReplies(model, input.Template.MaxNewTokens);
        var tensors = new List<NamedTensor>();
        for (var i = 0; i < puzzles.Count; i++)
        {
            var question = input.Ask(puzzles[i]);
            var reply = greedy.To([question])[0];
            var text = input.Tokenizer.Decode(reply.Ids);
            Console.WriteLine($"{(Score.IsExact(text, puzzles[i].Answer) ? "right" : "wrong")}\t{puzzles[i].Answer}\t{text.ReplaceLineEndings(" ")}");
            if (logitsFile is not null) tensors.AddRange(WithLogits(model, i, question, reply));
        }
        if (logitsFile is not null) SafeTensors.Write(logitsFile, tensors);
    }

    /// <summary><c>i.tokens</c> [n] and <c>i.logits</c> [n + 1, V]: row t is what token t was taken from, the last what ended the reply.</summary>
    private static NamedTensor[] WithLogits(QwenVl model, int puzzle, TorchPrompt question, TorchReply reply)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        int[] ids = [.. question.Ids, .. reply.Ids];
        Patches[] pictures = [question.Patches!];
        var row = new TokenRows([new TokenRow(ids, RopePositions.For(ids, [pictures[0].Grid], model.Config), 0)], FillSide.Right, model);
        var features = model.Encode(TokenRows.Pixels(pictures, model.Compute.Device), [pictures[0].Grid]);
        var hidden = model.Decode(row.Embed(model, features, pictures), row.Positions, row.Bias);
        var rows = model.Head(hidden)[0].narrow(0, question.Ids.Length - 1, reply.Ids.Length + 1).cpu();
        return
        [
            NamedTensor.Longs($"{puzzle}.tokens", [reply.Ids.Length], [.. reply.Ids.Select(id => (long)id)]),
            NamedTensor.Floats($"{puzzle}.logits", rows.shape, rows.contiguous().data<float>().ToArray()),
        ];
    }
}
