using System.CommandLine;
using Vlm.Cryptogram;
using Vlm.Model;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Text;
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
        var split = new Option<Split>("--split") { Description = "Which puzzles: clean, vocabulary, letters, fonts, camera.", DefaultValueFactory = _ => Split.Clean };
        var count = new Option<int>("--count") { Description = "How many.", DefaultValueFactory = _ => 10 };
        var seed = new Option<long>("--seed") { Description = "Seed of the puzzles.", DefaultValueFactory = _ => 1 };
        var logits = new Option<string?>("--logits") { Description = "File for the tokens and the logits of every reply, safetensors." };
        var command = new Command("reply", "Reply to puzzles with a checkpoint, in float32.") { checkpoint, split, count, seed, logits };
        command.SetAction(parsed =>
        {
            var source = new PuzzleSource(PuzzleOptions.For(parsed.GetValue(split)), parsed.GetValue(seed));
            return Run(parsed.GetValue(checkpoint)!, source, parsed.GetValue(count), parsed.GetValue(logits));
        });
        return command;
    }

    private static int Run(string folder, PuzzleSource source, int count, string? logitsFile)
    {
        try
        {
            using var checkpoint = CheckpointFolder.Open(folder);
            using var model = ModelWeights.Load(checkpoint);
            var pictures = PictureConfig.Load(Path.Combine(folder, "preprocessor_config.json"));
            var prompt = PromptTemplate.Load(Path.Combine(folder, "prompt.json"));
            var tokenizer = Tokenizer.Load(Path.Combine(folder, "tokenizer.json"));
            var greedy = new GreedyReplies(model, prompt.MaxNewTokens);
            var tensors = new List<NamedTensor>();
            for (var i = 0; i < count; i++)
            {
                var puzzle = source.At(i);
                var patches = Patches.From(puzzle.Picture, pictures);
                var question = new TorchPrompt(patches, tokenizer.Encode(prompt.Text(puzzle.Code, patches.Grid.MergedTokens(pictures.MergeSize))));
                var reply = greedy.To([question])[0];
                var text = tokenizer.Decode(reply.Ids);
                Console.WriteLine($"{(Score.IsExact(text, puzzle.Answer) ? "right" : "wrong")}\t{puzzle.Answer}\t{text.ReplaceLineEndings(" ")}");
                if (logitsFile is not null) tensors.AddRange(WithLogits(model, i, question, reply));
            }
            if (logitsFile is not null) SafeTensors.Write(logitsFile, tensors);
            return 0;
        }
        catch (Exception error) when (error is CheckpointException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(error.Message);
            return 1;
        }
    }

    /// <summary><c>i.tokens</c> [n] and <c>i.logits</c> [n + 1, V]: row t is what token t was taken from, the last what ended the reply.</summary>
    private static NamedTensor[] WithLogits(QwenVl model, int puzzle, TorchPrompt question, TorchReply reply)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        int[] ids = [.. question.Ids, .. reply.Ids];
        var grid = question.Patches!.Grid;
        var positions = tensor(RopePositions.For(ids, [grid], model.Config).Values).view(3, 1, -1);
        var features = model.Encode(tensor(question.Patches.Values).view(grid.Patches, -1), [grid]);
        var rows = model.Logits(tensor(ids.Select(id => (long)id).ToArray()).view(1, -1), positions, features)[0].narrow(0, question.Ids.Length - 1, reply.Ids.Length + 1);
        return
        [
            NamedTensor.Longs($"{puzzle}.tokens", [reply.Ids.Length], [.. reply.Ids.Select(id => (long)id)]),
            NamedTensor.Floats($"{puzzle}.logits", rows.shape, rows.contiguous().data<float>().ToArray()),
        ];
    }
}
