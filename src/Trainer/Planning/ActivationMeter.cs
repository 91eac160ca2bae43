using Vlm.Model;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;
using static TorchSharp.torch;

namespace Vlm.Trainer.Planning;

/// <summary>
/// Runs one of each of the model's real parts, at its real width and on few tokens, and counts the bytes that it holds and that its
/// backward pass needs on top. What a whole model needs follows, as all its layers are alike.
/// </summary>
internal sealed class ActivationMeter(VlmConfig config, TrainingMode mode)
{
    private const int Repeats = 3, WideModel = 1024, Rows = 1;
    private static readonly long[] VisionSizes = [64, 144, 256], TextSizes = [32, 96, 192];
    private readonly ComputeMode _mode = new(new Compute(CPU, bfloat16) { Weights = mode.InBfloat16 ? bfloat16 : float32 });
    private readonly bool _wide = config.Text.HiddenSize >= WideModel;

    public ActivationCost Measure()
    {
        var (vision, text) = (config.Vision, config.Text);
        using var patches = Ready(new PatchEmbedding(vision, _mode), mode.Lora is null);
        using var block = Ready(new VisionBlock(vision, _mode), mode.Lora is null);
        using var merger = Ready(new PatchMerger(vision, _mode), mode.Lora is null);
        using var layer = Ready(new TextLayer(text, _mode), mode.Lora is null);
        using var adapters = Adapt(layer);
        using var norm = Ready(new RmsNorm(text.HiddenSize, text.RmsNormEps, _mode), mode.Lora is null);
        var pixels = (long)vision.InChannels * vision.TemporalPatchSize * vision.PatchSize * vision.PatchSize;
        var trained = mode.Lora is null;
        Input OfPatches(long n) => new([Rows, n, vision.HiddenSize], trained, vision.HeadDim);
        Input OfTokens(long n) => new([Rows, n, text.HiddenSize], trained, text.HeadDim);
        return new ActivationCost(
            Block(VisionSizes, n => new Input([n, pixels], false, vision.HeadDim), (x, _) => patches.call(x)),
            Block(VisionSizes, OfPatches, (x, place) => VisionBlock(block, x, place)),
            Block(VisionSizes, OfPatches, (x, place) => VisionBlock(block, x, place with { Bias = null })),
            Block(VisionSizes, OfPatches, (x, _) => merger.call(x)),
            Block(TextSizes, OfTokens, (x, _) => norm.Float32(Inputs(x))),
            Block(TextSizes, n => OfTokens(n) with { HasGradient = true }, (x, place) => TextLayer(layer, x, place)))
        { HeadKept = Head(passing: false), HeadPassing = Head(passing: true) };
    }

    private static T Ready<T>(T module, bool isTrained)
        where T : nn.Module
    {
        InitialWeights.Draw(module);
        foreach (var p in module.parameters()) p.requires_grad = isTrained;
        return module;
    }

    /// <summary>Adapters on all products of a layer, as the default targets are.</summary>
    private Adapted Adapt(TextLayer layer)
    {
        if (mode.Lora is not { } lora) return new Adapted([]);
        var state = new LoraSwitch();
        return new Adapted([.. layer.modules().OfType<Linear>().Select(linear => linear.Adapter = new LoraPair(linear, lora, state))]);
    }

    private Tensor VisionBlock(VisionBlock block, Tensor x, Place place) => _mode.Recompute
        ? Recomputation.Of(block, x, input => [block.call(input, place.Cos, place.Sin, place.Bias)])[0]
        : block.call(x, place.Cos, place.Sin, place.Bias);

    private Tensor TextLayer(TextLayer layer, Tensor x, Place place)
    {
        var context = new TextContext(place.Cos.unsqueeze(0).unsqueeze(0), place.Sin.unsqueeze(0).unsqueeze(0), place.Bias!, null, 0, null);
        return _mode.Recompute ? Recomputation.Of(layer, x, input => [layer.call(input, context)])[0] : layer.call(x, context);
    }

    /// <summary>As QwenVl.Embed does: words looked up, features put in the place of the image tokens.</summary>
    private static Tensor Inputs(Tensor features)
    {
        var x = features.detach().clone();
        var isImage = ones(x.shape[0], x.shape[1], dtype: ScalarType.Bool).unsqueeze(-1).expand_as(x);
        return x.masked_scatter(isImage, features);
    }

    /// <summary>Curves through three sizes.</summary>
    private BlockCost Block(long[] sizes, Func<long, Input> input, Func<Tensor, Place, Tensor> run)
    {
        var costs = sizes.Select(n =>
        {
            using var scope = NewDisposeScope();
            var (shape, hasGradient, head) = input(n);
            var place = new Place(rand(n, head / 2), rand(n, head / 2), zeros(n, n));   // what rotation and mask hold does not matter for memory
            (double Kept, double Passing) Measured(bool recompute)
            {
                _mode.Recompute = recompute;
                return Cost(() => rand(shape), hasGradient, x => run(x, place));
            }

            var plain = Measured(recompute: false);
            // Computed again, a block is held whole while the backward pass goes through it.
            return mode.Checkpointing ? Measured(recompute: true) with { Passing = plain.Kept + plain.Passing } : plain;
        }).ToArray();
        var rows = input(sizes[0]).Shape.Length == 2 ? 1 : Rows;
        return new BlockCost(
            ByteCurve.Through(rows, [.. sizes.Zip(costs, (n, c) => (n, c.Kept))]),
            ByteCurve.Through(rows, [.. sizes.Zip(costs, (n, c) => (n, c.Passing))]));
    }

    private HeadCurve Head(bool passing)
    {
        (long, long) counts = _wide ? (32, 96) : (256, 768);
        (long, long) words = config.Text.VocabSize <= 1024 ? (config.Text.VocabSize / 2, config.Text.VocabSize) : (512, 1024);
        return HeadCurve.Through(counts, words, (n, v) =>
        {
            using var scope = NewDisposeScope();
            var weight = rand(v, config.Text.HiddenSize).to(mode.InBfloat16 ? bfloat16 : float32).requires_grad_(mode.Lora is null);
            var softmax = new SamplingSoftmax(config, 1);
            var (wanted, places) = (zeros(n, 1, dtype: int64), zeros(n, dtype: int64));
            var cost = Cost(() => rand(n, config.Text.HiddenSize), true, x =>
            {
                var hidden = x.index_select(0, places);
                var logits = nn.functional.linear(hidden.to(_mode.Products), weight.to(_mode.Products)).to(float32);   // as QwenVl.Head
                var all = softmax.LogProbabilities(logits);
                _ = SamplingSoftmax.Entropy(all.detach());
                return all.gather(-1, wanted);
            });
            return passing ? cost.Passing : cost.Kept;
        });
    }

    /// <summary>
    /// Held after the forward pass, and the most on top during the backward pass; gradients of weights are there already, as from the second step on.
    /// </summary>
    private static (double Kept, double Passing) Cost(Func<Tensor> input, bool hasGradient, Func<Tensor, Tensor> run)
    {
        // The median: what other threads take or give back meanwhile, the collector above all, is counted as well.
        List<double> kept = [], passing = [];
        for (var repeat = 0; repeat <= Repeats; repeat++)
        {
            using var scope = NewDisposeScope();
            var x = input().requires_grad_(hasGradient);
            var before = NativeHeap.InUse();
            var y = run(x);
            kept.Add(NativeHeap.InUse() - before);
            if (!y.requires_grad) continue;
            using var gradient = ones_like(y);
            passing.Add(NativeHeap.PeakDuring(() => autograd.backward([y], [gradient])));
        }

        // The first makes the gradients of the weights.
        return (Median(kept.Skip(1)), passing.Count == 0 ? 0 : passing.Skip(1).Max());
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Repeats / 2);

    private sealed record Input(long[] Shape, bool HasGradient, int HeadSize);

    private sealed record Place(Tensor Cos, Tensor Sin, Tensor? Bias);

    private sealed class Adapted(IReadOnlyList<LoraPair> pairs) : IDisposable
    {
        public void Dispose()
        {
            foreach (var pair in pairs) pair.Dispose();
        }
    }
}
