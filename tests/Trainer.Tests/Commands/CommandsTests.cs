using Vlm.Model;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Trainer.Commands;
using Vlm.Trainer.Runs;
using Vlm.Vision;

namespace Vlm.Trainer.Tests.Commands;

/// <summary>The verbs draw, reply and eval on a tiny model.</summary>
public sealed class CommandsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("commands").FullName;

    [Fact]
    public void Draw_writes_pictures_with_their_codes_and_the_same_again_for_the_same_seed()
    {
        Assert.Equal(0, TinyCheckpoint.Run(DrawCommand.Create(), "--split", "clean", "--count", "2", "--seed", "3", "--to", At("a")));
        Assert.Equal(0, TinyCheckpoint.Run(DrawCommand.Create(), "--split", "clean", "--count", "2", "--seed", "3", "--to", At("b")));
        var lines = File.ReadAllLines(At("a/codes.csv"));
        var puzzle = new PuzzleSource(PuzzleOptions.For(Split.Clean), 3).At(1);
        Assert.Equal("picture,code,answer,kind,severity", lines[0]);
        Assert.Equal($"clean-3-001.png,{puzzle.Code},{puzzle.Answer},reference400,0", lines[2]);
        Assert.Equal(3, lines.Length);
        Assert.Equal(puzzle.Picture.Pixels, ImageCodec.Decode(File.ReadAllBytes(At("a/clean-3-001.png"))).Pixels);
        Assert.Equal(File.ReadAllBytes(At("a/clean-3-000.png")), File.ReadAllBytes(At("b/clean-3-000.png")));
    }

    [Fact]
    public void Draw_takes_camera_pictures_of_the_severities_that_are_asked_for()
    {
        Assert.Equal(0, TinyCheckpoint.Run(DrawCommand.Create(), "--split", "camera", "--severity", "5", "--count", "2", "--to", At("a")));
        Assert.All(File.ReadAllLines(At("a/codes.csv")).Skip(1), line => Assert.EndsWith(",5", line, StringComparison.Ordinal));
        Assert.Equal(2, TinyCheckpoint.Run(DrawCommand.Create(), "--split", "camera", "--severity", "6", "--to", At("a")));
    }

    [Fact]
    public void Draw_adds_to_a_folder_and_needs_one()
    {
        Assert.Equal(0, TinyCheckpoint.Run(DrawCommand.Create(), "--count", "1", "--to", At("a")));
        Assert.Equal(0, TinyCheckpoint.Run(DrawCommand.Create(), "--count", "1", "--split", "letters", "--to", At("a")));
        Assert.Equal(3, File.ReadAllLines(At("a/codes.csv")).Length);
        File.WriteAllText(At("file"), "");
        Assert.Equal(1, TinyCheckpoint.Run(DrawCommand.Create(), "--count", "1", "--to", At("file")));
        Assert.Equal(2, TinyCheckpoint.Run(DrawCommand.Create(), "--count", "1"));
        Assert.Equal(2, TinyCheckpoint.Run(DrawCommand.Create(), "--split", "nonsense", "--to", At("a")));
    }

    [Fact]
    public void Reply_writes_the_logits_that_its_greedy_tokens_were_taken_from()
    {
        var checkpoint = TinyCheckpoint.Write(At("checkpoint"));
        Assert.Equal(0, TinyCheckpoint.Run(ReplyCommand.Create(), checkpoint, "--count", "2", "--logits", At("logits.safetensors")));
        using var file = SafeTensors.Open(At("logits.safetensors"));
        for (var puzzle = 0; puzzle < 2; puzzle++)
        {
            var (tokens, logits) = (file.ReadLongs($"{puzzle}.tokens"), file.ReadFloats($"{puzzle}.logits"));
            var vocabulary = logits.Length / (tokens.Length + 1);
            Assert.InRange(tokens.Length, 1, TinyCheckpoint.MostTokens);
            for (var t = 0; t < tokens.Length; t++)
            {
                var row = logits.AsSpan(t * vocabulary, vocabulary).ToArray();
                Assert.Equal(row.Max(), row[tokens[t]], 1e-4f);
            }
        }
    }

    [Fact]
    public void Reply_says_which_folder_is_no_checkpoint() => Assert.Equal(1, TinyCheckpoint.Run(ReplyCommand.Create(), At("nothing")));

    [Fact]
    public void Eval_writes_every_puzzle_records_the_shares_and_compares_with_itself()
    {
        TinyCheckpoint.Write(At("run/checkpoint"));
        string[] options = [At("run"), "--splits", "clean,camera", "--severity", "2-3", "--count", "3", "--batch", "2", "--threads", "1", "--out",
            At("results/r.json")];
        Assert.Equal(0, TinyCheckpoint.Run(EvalCommand.Create(), [.. options, "--record"]));

        var file = EvaluationFile.Load(At("results/r.json"));
        Assert.Equal((At("run/checkpoint"), 6), (file.Subject.Checkpoint, file.Puzzles.Count));
        var source = new PuzzleSource(PuzzleOptions.For(Split.Camera, 2, 3), 1);
        foreach (var puzzle in file.Puzzles.Where(puzzle => puzzle.Split == Split.Camera))
            Assert.Equal((source.At(puzzle.Index).Code, source.At(puzzle.Index).Severity, false), (puzzle.Code, puzzle.Severity, puzzle.Right));
        Assert.Equal(new Dictionary<string, double> { ["camera 2-3"] = 0, ["clean"] = 0 }, CheckpointProvenance.Read(At("run/checkpoint")).Accuracy);
        Assert.False(File.Exists(At("results/r.json.partial")));
        Assert.Equal(0, TinyCheckpoint.Run(CompareCommand.Create(), At("results/r.json"), At("results/r.json")));
    }

    [Theory]
    [InlineData("--splits", "clean,nonsense"), InlineData("--splits", "train"), InlineData("--severity", "3-1"), InlineData("--count", "0"),
        InlineData("--seed", "x")]
    public void Eval_refuses_a_command_line_that_it_does_not_understand(string option, string value)
        => Assert.Equal(2, TinyCheckpoint.Run(EvalCommand.Create(), At("run"), "--out", At("r.json"), option, value));

    [Fact]
    public void Eval_of_held_replies_says_so_and_none_of_them_is_malformed()
    {
        TinyCheckpoint.Write(At("c"));
        string[] options = [At("c"), "--splits", "clean", "--count", "3", "--threads", "1", "--out", At("r.json")];
        Assert.Equal(0, TinyCheckpoint.Run(EvalCommand.Create(), [.. options, "--held", "--record"]));
        var file = EvaluationFile.Load(At("r.json"));
        Assert.True(file.Subject.Held);
        Assert.All(file.Puzzles, puzzle => Assert.Contains("<answer>", puzzle.Reply, StringComparison.Ordinal));
        Assert.Equal(["clean held"], CheckpointProvenance.Read(At("c")).Accuracy.Keys);
    }

    [Fact]
    public void Eval_of_what_is_no_checkpoint_ends_with_1_and_leaves_nothing()
    {
        Assert.Equal(1, TinyCheckpoint.Run(EvalCommand.Create(), At("nothing"), "--out", At("r.json")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public void Recording_keeps_what_the_provenance_said_before()
    {
        TinyCheckpoint.Write(At("c"));
        CheckpointProvenance.Write(
            At("c"), new Provenance
            { Command = "train configs/x.json", Seed = 9, Accuracy = new Dictionary<string, double> { ["letters"] = 0.5, ["clean"] = 1 } });
        Assert.Equal(
            0, TinyCheckpoint.Run(EvalCommand.Create(), At("c"), "--splits", "clean", "--count", "1", "--threads", "1", "--out", At("r.json"), "--record"));
        var provenance = CheckpointProvenance.Read(At("c"));
        Assert.Equal(("train configs/x.json", 9L), (provenance.Command, provenance.Seed));
        Assert.Equal((0, 0.5), (provenance.Accuracy["clean"], provenance.Accuracy["letters"]));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(string path) => Path.Combine(_folder, path);
}
