using Vlm.Model;
using Vlm.Trainer.Model;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Model;

/// <summary>The architecture against the numbers of the reference implementation (tests/Golden/README.md).</summary>
public sealed class QwenVlGoldenTests : IDisposable
{
    private static readonly Dictionary<string, string[]> Cases = new()
    {
        ["one"] = ["a"],
        ["window"] = ["b"],
        ["two"] = ["c", "d"],
        ["odd"] = ["e"],
        ["square"] = ["f"],
        ["text"] = [],
    };

    private readonly CheckpointFolder _checkpoint = CheckpointFolder.Open(Repository.Golden("qwen25vl/checkpoint"));
    private readonly SafeTensors _golden = SafeTensors.Open(Repository.Golden("qwen25vl/golden.safetensors"));
    private readonly QwenVl _model;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();
    private readonly IDisposable _noGradient = no_grad();

    public QwenVlGoldenTests() => _model = ModelWeights.Load(_checkpoint);

    [Theory]
    [InlineData("a"), InlineData("b"), InlineData("c"), InlineData("d"), InlineData("e"), InlineData("f"), InlineData("gray")]
    public void Image_features_equal_the_reference_within_5e_5(string picture)
        => Close($"vision.{picture}", _model.Encode(Floats($"pixel_values.{picture}"), [Grid(picture)]), 5e-5);

    [Fact]
    public void Pictures_of_unequal_size_go_through_the_tower_together_as_one_by_one()
    {
        var together = _model.Encode(cat([Floats("pixel_values.c"), Floats("pixel_values.d")]), [Grid("c"), Grid("d")]);
        Close("c then d", cat([Floats("vision.c"), Floats("vision.d")]), together, 5e-5);
    }

    [Theory]
    [InlineData("one"), InlineData("window"), InlineData("two"), InlineData("odd"), InlineData("square"), InlineData("text")]
    public void Logits_equal_the_reference_within_1e_4(string name)
        => Close($"logits.{name}", _model.Logits(Longs($"ids.{name}"), Longs($"positions.{name}"), Features(Cases[name])), 1e-4);

    [Fact]
    public void A_left_padded_batch_gives_the_logits_of_its_rows()
    {
        var mask = Longs("mask.batch");
        var logits = _model.Logits(Longs("ids.batch"), Longs("positions.batch"), Features(["a", "e"]), mask.to(ScalarType.Bool));
        var seen = mask.unsqueeze(-1);
        Close("logits.batch", Floats("logits.batch") * seen, logits * seen, 1e-4);
    }

    [Theory]
    [InlineData("one"), InlineData("window"), InlineData("two"), InlineData("odd"), InlineData("square"), InlineData("text")]
    public void Greedy_tokens_through_the_cache_equal_those_found_without_one(string name)
    {
        const int AllowedIds = 290, Steps = 12;
        var ids = Longs($"ids.{name}");
        var positions = Longs($"positions.{name}");
        var text = _checkpoint.Config.Text;
        using var cache = new KvCache(text, 1, ids.shape[1] + Steps, Compute.Exact);
        var next = _model.Decode(_model.Embed(ids, Features(Cases[name])), positions, QwenVl.CausalBias(ids.shape[1]), cache);
        var (tokens, logProbabilities) = (new List<long>(), new List<float>());
        var first = ids.shape[1] + _golden.ReadLongs($"delta.{name}")[0];
        for (var step = 0; step < Steps; step++)
        {
            var rows = nn.functional.log_softmax(_model.Head(next.select(1, -1)), -1);
            var token = rows.narrow(1, 0, AllowedIds).argmax(-1).item<long>();
            tokens.Add(token);
            logProbabilities.Add(rows[0, token].item<float>());
            next = _model.Decode(
                _model.Embed(tensor([token]).view(1, 1), null), full([3, 1, 1], first + step, int64), zeros(1, ids.shape[1] + step + 1), cache);
        }

        Assert.Equal(_golden.ReadLongs($"greedy.{name}"), tokens);
        Close($"greedy_logprob.{name}", tensor(logProbabilities.ToArray()), 5e-5);
    }

    [Fact]
    public void Every_block_of_the_tower_equals_the_trace()
    {
        var order = tensor(_golden.ReadLongs("trace.a.window_index"));
        Tensor InWindowOrder(Tensor x) => x.view(-1, 4, x.shape[^1]).index_select(0, order).flatten(0, 1);
        _model.Encode(Floats("pixel_values.a"), [Grid("a")], (name, x) =>
        {
            if (name == "visual.patch_embed") Close("trace.a.patch_embed", x[0], 5e-5);
            else Close($"trace.a.block.{name[^1]}", InWindowOrder(x[0]), 1e-4);
        });
    }

    [Fact]
    public void Every_layer_of_the_decoder_equals_the_trace()
    {
        var embeds = _model.Embed(Longs("ids.one"), Features(["a"]));
        Close("trace.one.embeds", embeds[0], 3e-4);
        var hidden = _model.Decode(embeds, Longs("positions.one"), QwenVl.CausalBias(embeds.shape[1]), null, (name, x) =>
        {
            if (char.IsAsciiDigit(name[^1])) Close($"trace.one.layer.{name[^1]}", x[0], 3e-4);
        });
        Close("trace.one.norm", hidden[0], 3e-4);
    }

    [Fact]
    public void Parameter_names_and_shapes_are_those_of_the_public_checkpoints()
    {
        var expected = WeightNames.All(_checkpoint.Config).Select(w => $"{w.Name} [{string.Join(", ", w.Shape)}]").Order(StringComparer.Ordinal);
        var actual = _model.named_parameters().Select(p => $"{p.name} [{string.Join(", ", p.parameter.shape)}]").Order(StringComparer.Ordinal);
        Assert.Equal(expected, actual);
        Assert.Empty(_model.named_buffers());
    }

    [Fact]
    public void Weights_survive_writing_and_reading_to_the_bit()
    {
        var file = Path.Combine(Path.GetTempPath(), $"weights-{Guid.NewGuid():N}.safetensors");
        try
        {
            SafeTensors.Write(file, ModelWeights.Tensors(_model));
            using var other = new QwenVl(_checkpoint.Config);
            using (var read = SafeTensors.Open(file)) ModelWeights.Fill(other, read);
            foreach (var (a, b) in _model.named_parameters().Zip(other.named_parameters()))
                Assert.Equal(a.parameter.data<float>().ToArray(), b.parameter.data<float>().ToArray());
        }
        finally
        {
            File.Delete(file);
        }
    }

    public void Dispose()
    {
        _noGradient.Dispose();
        _scope.Dispose();
        _model.Dispose();
        _golden.Dispose();
        _checkpoint.Dispose();
    }

    private Tensor? Features(string[] pictures)
        => pictures.Length == 0 ? null : _model.Encode(cat([.. pictures.Select(p => Floats($"pixel_values.{p}"))]), [.. pictures.Select(Grid)]);

    private PatchGrid Grid(string picture)
        => _golden.ReadLongs($"grid.{picture}") is [var t, var h, var w] ? new PatchGrid((int)t, (int)h, (int)w) : throw new InvalidDataException(picture);

    private Tensor Floats(string name) => tensor(_golden.ReadFloats(name)).view(_golden.Info(name).Shape);

    private Tensor Longs(string name) => tensor(_golden.ReadLongs(name)).view(_golden.Info(name).Shape);

    private void Close(string name, Tensor actual, double tolerance) => Close(name, Floats(name), actual, tolerance);

    private static void Close(string name, Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        var difference = (expected - actual).abs().max().item<float>();
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: max abs difference {difference:E2} (tolerance {tolerance:E0})");
        Assert.True(difference <= tolerance, $"{name}: max abs difference {difference:E2}, tolerance {tolerance:E0}");
    }
}
