using TorchSharp.Modules;
using TorchSharp.Utils;
using Vlm.Finding;
using Vlm.Trainer.Model;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Vlm.Trainer.Finder;

/// <summary>
/// The sheet finder: grey 192x144 to four heatmaps of 48x36, whether there is a decoder sheet, and which corners can be seen. 0.3 M parameters.
/// Heatmaps instead of regression, after Integral Human Pose (Sun et al., arXiv 1711.08229): the corner is the mean of the heatmap's softmax.
/// </summary>
/// <remarks>B frames. Stages of two 3x3 convolutions halve the sides; two lateral additions bring the last one's knowledge back to stride 4.</remarks>
public sealed class FinderNet : Module
{
    [ComponentName(Name = "stage1")] private readonly Sequential _stage1 = Sequential(("0", Block(1, 16, 2)), ("1", Block(16, 16)));
    [ComponentName(Name = "stage2")] private readonly Sequential _stage2 = Sequential(("0", Block(16, 32, 2)), ("1", Block(32, 32)));
    [ComponentName(Name = "stage3")] private readonly Sequential _stage3 = Sequential(("0", Block(32, 64, 2)), ("1", Block(64, 64)));
    [ComponentName(Name = "stage4")] private readonly Sequential _stage4 = Sequential(("0", Block(64, 96, 2)), ("1", Block(96, 96)));
    [ComponentName(Name = "lateral2")] private readonly Conv2d _lateral2 = Conv2d(32, 64, 1);
    [ComponentName(Name = "lateral3")] private readonly Conv2d _lateral3 = Conv2d(64, 64, 1);
    [ComponentName(Name = "lateral4")] private readonly Conv2d _lateral4 = Conv2d(96, 64, 1);
    [ComponentName(Name = "join3")] private readonly Sequential _join3 = Block(64, 64);
    [ComponentName(Name = "join2")] private readonly Sequential _join2 = Block(64, 48);
    [ComponentName(Name = "heat")] private readonly Conv2d _heat = Conv2d(48, 4, 1);
    [ComponentName(Name = "seen1")] private readonly TorchSharp.Modules.Linear _seen1 = Linear(2 * 96, 64);
    [ComponentName(Name = "seen2")] private readonly TorchSharp.Modules.Linear _seen2 = Linear(64, 5);

    /// <summary>Random weights, from the library's generator.</summary>
    public FinderNet() : base("finder") => RegisterComponents();

    /// <summary>Everything that it says of B frames.</summary>
    /// <param name="Heat">[B, 4, 36 · 48] logits.</param>
    /// <param name="Corners">[B, 4, 2] shares of the sides, x and y.</param>
    /// <param name="Seen">[B, 5] logits: a sheet is there; each of its corners can be seen.</param>
    public sealed record Said(Tensor Heat, Tensor Corners, Tensor Seen);

    /// <param name="frames">[B, 1, 144, 192] −1 to 1.</param>
    public Said Of(Tensor frames)
    {
        var x2 = _stage2.call(_stage1.call(frames));                                         // [B, 32, 36, 48]
        var x3 = _stage3.call(x2);                                                           // [B, 64, 18, 24]
        var x4 = _stage4.call(x3);                                                           // [B, 96, 9, 12]
        var y3 = _join3.call(Twice(_lateral4.call(x4)).Plus(_lateral3.call(x3)));            // [B, 64, 18, 24]
        var y2 = _join2.call(Twice(y3).Plus(_lateral2.call(x2)));                            // [B, 48, 36, 48]
        var heat = _heat.call(y2).flatten(2);                                                // [B, 4, 36 · 48]
        var pooled = cat([x4.mean([2, 3]), x4.amax([2, 3])], 1);                             // [B, 192]
        return new Said(heat, matmul(heat.softmax(-1), Places(heat.device)), _seen2.call(functional.relu(_seen1.call(pooled))));
    }

    /// <summary>[36 · 48, 2] the middles of the heatmap's cells in shares of the sides.</summary>
    public static Tensor Places(Device device) => tensor(FinderInput.MapPlaces(), device: device).view(-1, 2);

    private static Sequential Block(int from, int to, int stride = 1) => Sequential(
        ("conv", Conv2d(from, to, 3, stride, 1, bias: false)), ("norm", new BatchNorm(to)), ("act", ReLU()));

    private static Tensor Twice(Tensor x) => functional.interpolate(x, scale_factor: [2, 2], mode: InterpolationMode.Nearest);

    /// <summary>
    /// Batch normalisation (Ioffe and Szegedy, arXiv 1502.03167). TorchSharp's own adds a temporary scalar in every call, which the collector may free in the
    /// middle of it.
    /// </summary>
    private sealed class BatchNorm : Module<Tensor, Tensor>
    {
        [ComponentName(Name = "weight")] private readonly Parameter _weight;
        [ComponentName(Name = "bias")] private readonly Parameter _bias;
        [ComponentName(Name = "running_mean")] private readonly Tensor _mean;
        [ComponentName(Name = "running_var")] private readonly Tensor _variance;

        public BatchNorm(int channels) : base("norm")
        {
            (_weight, _bias) = (Parameter(ones(channels)), Parameter(zeros(channels)));
            (_mean, _variance) = (zeros(channels), ones(channels));
            RegisterComponents();
        }

        /// <param name="input">[B, C, H, W]; the same comes back.</param>
        public override Tensor forward(Tensor input) => functional.batch_norm(input, _mean, _variance, _weight, _bias, training);
    }
}
