using Vlm.Cryptogram;
using Vlm.Export;
using Vlm.Export.Package;
using Vlm.Inference;
using Vlm.Model;
using Vlm.Text;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;
using Vlm.Vision;
using static TorchSharp.torch;
using Sampled = Vlm.Trainer.Sampling.Question;

namespace Vlm.Parity.Tests;

/// <summary>The shipped checkpoint in TorchSharp, in exported float32 ONNX and in the smaller precisions.</summary>
public sealed class ShippedModelTests : IDisposable
{
    private static readonly string Shipped = Path.Combine(Repository.Root, "models", "cryptogram-edge", "checkpoint");
    private readonly string folder = Directory.CreateTempSubdirectory("vlm-parity-").FullName;
    private readonly CheckpointFolder checkpoint = CheckpointFolder.Open(Shipped);
    private readonly PictureConfig pictures = PictureConfig.Load(Path.Combine(Shipped, "preprocessor_config.json"));
    private readonly PromptTemplate template = PromptTemplate.Load(Path.Combine(Shipped, "prompt.json"));
    private readonly Tokenizer tokenizer = Tokenizer.Load(Path.Combine(Shipped, "tokenizer.json"));

    [Theory]
    [InlineData(Split.Clean), InlineData(Split.Fonts), InlineData(Split.Camera)]
    public void Every_logit_of_a_reply_is_the_same_in_TorchSharp_and_in_float32_ONNX_within_1e_3(Split split)
    {
        using var vlm = Export("fp32");
        using var decoder = vlm.Allocate(1);
        using var model = ModelWeights.Load(checkpoint);
        double worst = 0;
        foreach (var puzzle in Puzzles(split, 2))
        {
            var (patches, prompt) = Ask(puzzle);
            int[] reply = tokenizer.Encode(ReplyText.For(puzzle));
            var expected = TorchLogits(model, patches, [.. prompt, .. reply]);
            using var picture = vlm.Encode(patches);
            decoder.Prefill([Inference.Prompt.For(prompt, [picture], vlm.Config)]);
            for (var i = 0; i < reply.Length; i++)
            {
                var row = expected[prompt.Length - 1 + i];
                var found = decoder.Logits(0);
                for (var v = 0; v < found.Length; v++) worst = Math.Max(worst, Math.Abs(row[v] - found[v]));
                decoder.Step([reply[i]]);
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{split}: max abs difference {worst:E2}");
        Assert.InRange(worst, 0, 1e-3);
    }

    [Fact]
    public void Greedy_tokens_are_the_same_in_TorchSharp_and_in_float32_ONNX()
    {
        using var vlm = Export("fp32");
        using var decoder = vlm.Allocate(1);
        using var model = ModelWeights.Load(checkpoint);
        var questions = Puzzles(Split.Clean, 4).Concat(Puzzles(Split.Camera, 4)).Select(Ask).ToList();
        var replies = new GreedyReplies(model, 240).To([.. questions.Select(q => new Sampled(q.Patches, q.Prompt))]);
        foreach (var (question, reply) in questions.Zip(replies))
        {
            using var picture = vlm.Encode(question.Patches);
            var generation = Inference.Generator.Generate(decoder, [Inference.Prompt.For(question.Prompt, [picture], vlm.Config)],
                new GenerationOptions { MaxTokens = 240, StopTokens = vlm.Config.EosTokenIds }, TestContext.Current.CancellationToken)[0][0];
            Assert.Equal(reply.Ids, generation.TextTokens);
        }
    }

    [Theory]
    [InlineData("int8", 1), InlineData("int4", 6)]
    public void Smaller_precisions_answer_nearly_as_many_of_60_clean_puzzles(string precision, int lostAtMost)
    {
        var puzzles = Puzzles(Split.Clean, 60).ToList();
        var (exact, small) = (Right(Export("fp32"), puzzles), Right(Export(precision), puzzles));
        TestContext.Current.TestOutputHelper?.WriteLine($"right of {puzzles.Count}: fp32 {exact}, {precision} {small}");
        Assert.InRange(small, exact - lostAtMost, puzzles.Count);
    }

    public void Dispose()
    {
        checkpoint.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static IEnumerable<Puzzle> Puzzles(Split split, int count)
    {
        var source = new PuzzleSource(PuzzleOptions.For(split), 4321);
        return Enumerable.Range(0, count).Select(i => source.At(i));
    }

    private (Patches Patches, int[] Prompt) Ask(Puzzle puzzle)
    {
        var patches = Patches.From(puzzle.Picture, pictures);
        return (patches, tokenizer.Encode(template.Text(puzzle.Code, patches.Grid.MergedTokens(pictures.MergeSize))));
    }

    private float[][] TorchLogits(QwenVl model, Patches patches, int[] ids)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var rope = RopePositions.For(ids, [patches.Grid], checkpoint.Config);
        var features = model.Encode(tensor(patches.Values).view(patches.Grid.Patches, -1), [patches.Grid]);
        var logits = model.Logits(tensor(ids.Select(i => (long)i).ToArray()).view(1, -1), tensor(rope.Values).view(3, 1, -1), features)[0];
        return [.. Enumerable.Range(0, ids.Length).Select(t => logits[t].data<float>().ToArray())];
    }

    private int Right(OnnxVlm engine, List<Puzzle> puzzles)
    {
        using var vlm = engine;
        using var decoder = vlm.Allocate(1);
        return puzzles.Count(puzzle =>
        {
            var (patches, prompt) = Ask(puzzle);
            using var picture = vlm.Encode(patches);
            var generation = Inference.Generator.Generate(decoder, [Inference.Prompt.For(prompt, [picture], vlm.Config)],
                new GenerationOptions { MaxTokens = 240, StopTokens = vlm.Config.EosTokenIds }, TestContext.Current.CancellationToken)[0][0];
            return Score.IsExact(tokenizer.Decode(generation.TextTokens), puzzle.Answer);
        });
    }

    private OnnxVlm Export(string precision)
    {
        var target = Path.Combine(folder, precision);
        PackageWriter.Write(Shipped, target, new ExportOptions(ExportOptions.ParsePrecision(precision), 32, false));
        return OnnxVlm.Open(target, new EngineOptions { Threads = 1 });
    }
}
