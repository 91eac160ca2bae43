using TorchSharp.Utils;
using Vlm.Model;
using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Supervised;

/// <summary>Two linear read-outs that exist only in training: letters after the second vision block, pairs after the merger.</summary>
internal sealed class AuxiliaryHeads : nn.Module
{
    /// <summary>The vision block after which letters are told.</summary>
    public const int GlyphBlock = 1;

    private const int Letters = 26;
    [ComponentName(Name = "glyphs")] private readonly Linear _glyphs;
    [ComponentName(Name = "coded")] private readonly Linear _coded;
    [ComponentName(Name = "plain")] private readonly Linear _plain;

    /// <param name="config">Widths.</param>
    /// <param name="compute">The model's; weights are not set yet.</param>
    public AuxiliaryHeads(VlmConfig config, Compute compute) : base("auxiliary")
    {
        var mode = new ComputeMode(compute with { Weights = float32 });
        _glyphs = new Linear(config.Vision.HiddenSize, 2 * Letters, bias: true, mode);
        _coded = new Linear(config.Vision.OutHiddenSize, Letters, bias: true, mode);
        _plain = new Linear(config.Vision.OutHiddenSize, Letters, bias: true, mode);
        RegisterComponents();
    }

    /// <summary>[.., C of the tower] to [.., 52]: letter, + 26 when it is the plain one.</summary>
    public Tensor Glyphs(Tensor patches) => _glyphs.call(patches);

    /// <summary>[.., C of the decoder] to [.., 26].</summary>
    public Tensor Coded(Tensor tokens) => _coded.call(tokens);

    /// <summary>[.., C of the decoder] to [.., 26].</summary>
    public Tensor Plain(Tensor tokens) => _plain.call(tokens);
}
