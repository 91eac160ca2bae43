using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using Vlm.Model;
using Vlm.Vision;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Vlm.Trainer.Model;

/// <summary>
/// Qwen2.5-VL, whole, from config.json: vision tower, merger, text decoder, head. Field names are Hugging Face's weight names.
/// </summary>
/// <remarks>
/// Shapes in the comments: B batch, T tokens, N patches, M merged patches, H heads, K key/value heads, D head size, C width, V vocabulary.
/// Architecture: Qwen2.5-VL technical report (arXiv 2502.13923) section 2.1; M-RoPE: Qwen2-VL (arXiv 2409.12191) section 2.1.
/// Sums are written with Plus: see <see cref="Constants"/>.
/// </remarks>
public sealed class QwenVl : Module
{
    [ComponentName(Name = "visual")] private readonly VisionTower _visual;
    [ComponentName(Name = "model")] private readonly TextDecoder _model;
    [ComponentName(Name = "lm_head")] private readonly Linear? _lmHead;
    private readonly ComputeMode _mode;

    /// <summary>A model whose weights are not set yet: <see cref="ModelWeights.Load"/> reads them, <see cref="InitialWeights.Draw"/> draws them.</summary>
    /// <param name="config">Its sizes.</param>
    /// <param name="compute">Where and in what; <see cref="Compute.Exact"/> when not given.</param>
    public QwenVl(VlmConfig config, Compute? compute = null) : base(nameof(QwenVl))
    {
        Config = config;
        _mode = new ComputeMode(compute ?? Compute.Exact);
        _visual = new VisionTower(config.Vision, _mode);
        _model = new TextDecoder(config.Text, _mode);
        _lmHead = config.TieWordEmbeddings ? null : new Linear(config.Text.HiddenSize, config.Text.VocabSize, bias: false, _mode);
        RegisterComponents();
    }

    public VlmConfig Config { get; }

    /// <summary>The type that matrix products and attention are computed in; weights, residual stream, norms and rotation stay float32.</summary>
    public ScalarType ComputeType { get => _mode.Products; set => _mode.Compute = _mode.Compute with { Products = value }; }

    /// <summary>Where and in what the model computes.</summary>
    public Compute Compute => _mode.Compute;

    /// <summary>
    /// Whether training keeps only the input of every block and computes the rest again in the backward pass: see <see cref="Recomputation"/>.
    /// </summary>
    public bool GradientCheckpointing { get => _mode.Recompute; set => _mode.Recompute = value; }

    /// <summary>The low-rank adapters that were attached to this model, or null.</summary>
    public LoraAdapters? Adapters { get; internal set; }

    /// <summary>Pictures to image features, in reading order.</summary>
    /// <param name="pixels">[N, 1176] patches of all pictures, one picture after the other, in merge-block order.</param>
    /// <param name="grids">One grid per picture; sizes may differ.</param>
    /// <param name="tap">Receives the output of every block: <c>visual.blocks.i</c> [pictures, patches, C] (used by auxiliary losses and traces).</param>
    /// <returns>[M, C of the decoder]</returns>
    public Tensor Encode(Tensor pixels, IReadOnlyList<PatchGrid> grids, Action<string, Tensor>? tap = null) => _visual.call(pixels, grids, tap);

    /// <summary>Word embeddings with the image features put in the place of the image tokens, in order.</summary>
    /// <param name="ids">[B, T]</param>
    /// <param name="features">[M, C]; M image tokens over all rows; null for text alone.</param>
    /// <returns>[B, T, C] float32</returns>
    public Tensor Embed(Tensor ids, Tensor? features)
    {
        var words = _model.Embedding.index_select(0, ids.flatten()).view(ids.shape[0], ids.shape[1], -1).to(float32);   // [B, T, C]
        if (features is null) return words;
        using var imageId = tensor((long)Config.ImageTokenId);
        var isImage = ids.eq(imageId).unsqueeze(-1).expand_as(words);
        return words.masked_scatter(isImage, features.to(float32));
    }

    /// <summary>The decoder's last hidden state, normalised.</summary>
    /// <param name="embeds">[B, T, C]</param>
    /// <param name="positions">[3, B, T] int64</param>
    /// <param name="bias">[T, total] or [B, 1, T, total] additive attention bias: 0 to see, −inf to hide. See <see cref="CausalBias"/>.</param>
    /// <param name="past">Earlier keys and values, or null.</param>
    /// <param name="tap">Receives <c>model.layers.i</c> [B, T, C], and <c>.query</c>, <c>.key</c> [B, heads, T, D] after rotation.</param>
    /// <returns>[B, T, C] float32</returns>
    public Tensor Decode(Tensor embeds, Tensor positions, Tensor bias, IPastKeys? past = null, Action<string, Tensor>? tap = null)
        => _model.call(embeds, positions, bias, past, tap);

    /// <summary>[.., C] to logits [.., V], float32.</summary>
    public Tensor Head(Tensor hidden)
    {
        var weight = _lmHead is null ? _model.Embedding : _lmHead.Weight;
        return functional.linear(hidden.to(_mode.Products), weight.to(_mode.Products)).to(float32);
    }

    /// <summary>Logits of whole sequences without a cache.</summary>
    /// <param name="ids">[B, T]</param>
    /// <param name="positions">[3, B, T]</param>
    /// <param name="features">[M, C] or null</param>
    /// <param name="mask">[B, T] 1 for tokens, 0 for padding; null when nothing is padded.</param>
    /// <returns>[B, T, V]</returns>
    public Tensor Logits(Tensor ids, Tensor positions, Tensor? features, Tensor? mask = null)
        => Head(Decode(Embed(ids, features), positions, CausalBias(ids.shape[1], mask, ids.device)));

    /// <summary>Additive bias that lets a token see itself and what came before, but no padding.</summary>
    /// <returns>[T, T], or [B, 1, T, T] with a mask.</returns>
    public static Tensor CausalBias(long tokens, Tensor? mask = null, Device? device = null)
    {
        device = mask?.device ?? device ?? CPU;
        var hidden = ones(tokens, tokens, dtype: ScalarType.Bool, device: device).triu(1);
        // A padded token sees itself, so that no row is empty (softmax of nothing is NaN).
        if (mask is not null)
        {
            var padded = mask.logical_not()[TensorIndex.Colon, TensorIndex.None, TensorIndex.None];
            hidden = hidden | (padded & eye(tokens, dtype: ScalarType.Bool, device: device).logical_not());
        }
        return zeros(hidden.shape, device: device).masked_fill(hidden, Constants.MinusInfinity);
    }
}

/// <summary>How the modules of a model compute; one object shared by all of them.</summary>
internal sealed class ComputeMode(Compute compute)
{
    /// <summary>Where and in what. The type of products may change between two passes, the rest is that of the parameters.</summary>
    public Compute Compute { get; set; } = compute;

    /// <summary>The type of matrix products.</summary>
    public ScalarType Products => Compute.Products;

    /// <summary>Whether blocks are computed again in the backward pass instead of being kept.</summary>
    public bool Recompute { get; set; }

    /// <summary>A parameter whose numbers are not set yet: drawing some only to overwrite them would cost as much as reading them.</summary>
    public Parameter Parameter(params long[] shape)
    {
        using var scope = NewDisposeScope();
        return scope.Detach(new Parameter(empty(shape, dtype: Compute.Weights, device: Compute.Device)));
    }
}

/// <summary>Scalars that native code reads, alive for ever.</summary>
/// <remarks>
/// The library passes a scalar's address and may finalise the scalar before the call returns ("Unknown scalar type", at random,
/// after hundreds of steps). Its plain sum of two tensors makes such a scalar, so sums on the training path go through <see cref="Plus"/>.
/// </remarks>
internal static class Constants
{
    public static readonly Scalar MinusInfinity = float.NegativeInfinity;
    private static readonly Scalar One = 1;

    /// <summary>a + b</summary>
    public static Tensor Plus(this Tensor a, Tensor b) => a.add(b, One);
}

/// <summary>Patches to image features: Conv3d as a product, blocks with 2-D rotary attention (windowed or full), 2×2 merger.</summary>
internal sealed class VisionTower : Module<Tensor, IReadOnlyList<PatchGrid>, Action<string, Tensor>?, Tensor>
{
    [ComponentName(Name = "patch_embed")] private readonly PatchEmbedding _patchEmbed;
    [ComponentName(Name = "blocks")] private readonly ModuleList<VisionBlock> _blocks;
    [ComponentName(Name = "merger")] private readonly PatchMerger _merger;
    private readonly VisionConfig _config;
    private readonly ComputeMode _mode;
    private readonly VisionGeometry _geometry;

    public VisionTower(VisionConfig config, ComputeMode mode) : base(nameof(VisionTower))
    {
        _config = config;
        _mode = mode;
        _geometry = new VisionGeometry(config);
        _patchEmbed = new PatchEmbedding(config, mode);
        _blocks = new ModuleList<VisionBlock>([.. Enumerable.Range(0, config.Depth).Select(_ => new VisionBlock(config, mode))]);
        _merger = new PatchMerger(config, mode);
        RegisterComponents();
    }

    public override Tensor forward(Tensor pixels, IReadOnlyList<PatchGrid> grids, Action<string, Tensor>? tap)
    {
        // Neighbouring pictures of equal size go through together; attention never crosses pictures.
        var features = new List<Tensor>();
        long row = 0;
        for (int first = 0, next; first < grids.Count; first = next)
        {
            next = first + 1;
            while (next < grids.Count && grids[next] == grids[first]) next++;
            long rows = (long)(next - first) * grids[first].Patches;
            features.Add(EncodeEqual(pixels.narrow(0, row, rows), grids[first], next - first, tap));
            row += rows;
        }
        return features.Count == 1 ? features[0] : cat(features, 0);
    }

    private Tensor EncodeEqual(Tensor pixels, PatchGrid grid, int pictures, Action<string, Tensor>? tap)
    {
        var place = _geometry.For(grid, pixels.device);
        var x = _patchEmbed.call(pixels).view(pictures, grid.Patches, _config.HiddenSize);     // [P, N, C]
        tap?.Invoke("visual.patch_embed", x);
        for (var i = 0; i < _config.Depth; i++)
        {
            var bias = _config.FullAttentionBlocks.Contains(i) ? place.FullBias : place.WindowBias;
            var block = _blocks[i];
            x = _mode.Recompute
                ? Recomputation.Of(block, x, input => [block.call(input, place.Cos, place.Sin, bias)])[0]
                : block.call(x, place.Cos, place.Sin, bias);
            tap?.Invoke($"visual.blocks.{i}", x);
        }
        return _merger.call(x);                                                               // [P·N/4, out]
    }
}

internal sealed class PatchEmbedding : Module<Tensor, Tensor>
{
    [ComponentName(Name = "proj")] private readonly PatchProjection _proj;

    public PatchEmbedding(VisionConfig config, ComputeMode mode) : base(nameof(PatchEmbedding))
    {
        _proj = new PatchProjection(config, mode);
        RegisterComponents();
    }

    public override Tensor forward(Tensor pixels) => _proj.call(pixels);
}

/// <summary>The reference's Conv3d without overlap is one matrix product over flattened patches; the weight keeps the convolution's shape.</summary>
internal sealed class PatchProjection : Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    private readonly ComputeMode _mode;

    public PatchProjection(VisionConfig c, ComputeMode mode) : base(nameof(PatchProjection))
    {
        _mode = mode;
        _weight = mode.Parameter(c.HiddenSize, c.InChannels, c.TemporalPatchSize, c.PatchSize, c.PatchSize);
        RegisterComponents();
    }

    public override Tensor forward(Tensor pixels)
        => functional.linear(pixels.to(_mode.Products), _weight.flatten(1).to(_mode.Products)).to(float32);   // [N, C]
}

internal sealed class VisionBlock : Module<Tensor, Tensor, Tensor, Tensor?, Tensor>
{
    [ComponentName(Name = "norm1")] private readonly RmsNorm _norm1;
    [ComponentName(Name = "norm2")] private readonly RmsNorm _norm2;
    [ComponentName(Name = "attn")] private readonly VisionAttention _attn;
    [ComponentName(Name = "mlp")] private readonly GatedMlp _mlp;

    public VisionBlock(VisionConfig c, ComputeMode mode) : base(nameof(VisionBlock))
    {
        _norm1 = new RmsNorm(c.HiddenSize, VisionConfig.NormEps, mode);
        _norm2 = new RmsNorm(c.HiddenSize, VisionConfig.NormEps, mode);
        _attn = new VisionAttention(c, mode);
        _mlp = new GatedMlp(c.HiddenSize, c.IntermediateSize, bias: true, mode);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x, Tensor cos, Tensor sin, Tensor? bias)
    {
        x = x.Plus(_attn.call(_norm1.call(x), cos, sin, bias));
        return x.Plus(_mlp.call(_norm2.call(x)));
    }
}

internal sealed class VisionAttention : Module<Tensor, Tensor, Tensor, Tensor?, Tensor>
{
    [ComponentName(Name = "qkv")] private readonly Linear _qkv;
    [ComponentName(Name = "proj")] private readonly Linear _proj;
    private readonly int _heads;

    public VisionAttention(VisionConfig c, ComputeMode mode) : base(nameof(VisionAttention))
    {
        _heads = c.NumHeads;
        _qkv = new Linear(c.HiddenSize, 3 * c.HiddenSize, bias: true, mode);
        _proj = new Linear(c.HiddenSize, c.HiddenSize, bias: true, mode);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x, Tensor cos, Tensor sin, Tensor? bias)
    {
        long pictures = x.shape[0], patches = x.shape[1];
        var parts = _qkv.call(x).view(pictures, patches, 3, _heads, -1).permute(2, 0, 3, 1, 4).unbind(0);   // 3 × [P, H, N, D]
        var q = Rotary.Apply(parts[0], cos, sin);
        var k = Rotary.Apply(parts[1], cos, sin);
        var o = Attention.Of(q, k, parts[2], bias);                                          // [P, H, N, D]
        return _proj.call(o.transpose(1, 2).flatten(2));
    }
}

/// <summary>Four neighbouring patches become one image token.</summary>
internal sealed class PatchMerger : Module<Tensor, Tensor>
{
    [ComponentName(Name = "ln_q")] private readonly RmsNorm _lnQ;
    [ComponentName(Name = "mlp")] private readonly Sequential _mlp;
    private readonly int _width;

    public PatchMerger(VisionConfig c, ComputeMode mode) : base(nameof(PatchMerger))
    {
        _width = c.HiddenSize * c.SpatialMergeSize * c.SpatialMergeSize;
        _lnQ = new RmsNorm(c.HiddenSize, VisionConfig.NormEps, mode);
        // Keys 0 and 2; the GELU between them is the exact one (tanh moves logits by 0.005).
        _mlp = Sequential(("0", new Linear(_width, _width, bias: true, mode)), ("1", GELU()), ("2", new Linear(_width, c.OutHiddenSize, bias: true, mode)));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => _mlp.call(_lnQ.call(x).reshape(-1, _width)).to(float32);   // [P·N/4, out]
}

/// <summary>Token embeddings to the last hidden state: grouped-query attention with M-RoPE, SwiGLU.</summary>
internal sealed class TextDecoder : Module<Tensor, Tensor, Tensor, IPastKeys?, Action<string, Tensor>?, Tensor>
{
    [ComponentName(Name = "embed_tokens")] private readonly TokenEmbedding _embedTokens;
    [ComponentName(Name = "layers")] private readonly ModuleList<TextLayer> _layers;
    [ComponentName(Name = "norm")] private readonly RmsNorm _norm;
    private readonly TextConfig _config;
    private readonly ComputeMode _mode;

    public TextDecoder(TextConfig config, ComputeMode mode) : base(nameof(TextDecoder))
    {
        _config = config;
        _mode = mode;
        _embedTokens = new TokenEmbedding(config, mode);
        _layers = new ModuleList<TextLayer>([.. Enumerable.Range(0, config.NumLayers).Select(_ => new TextLayer(config, mode))]);
        _norm = new RmsNorm(config.HiddenSize, config.RmsNormEps, mode);
        RegisterComponents();
    }

    public Tensor Embedding => _embedTokens.Weight;

    public override Tensor forward(Tensor x, Tensor positions, Tensor bias, IPastKeys? past, Action<string, Tensor>? tap)
    {
        var (cos, sin) = Rotary.MultiAxis(positions, _config);                                // [B, 1, T, D/2]
        for (var i = 0; i < _config.NumLayers; i++)
        {
            var name = $"model.layers.{i}";
            var context = new TextContext(cos, sin, bias, past, i, tap is null ? null : (part, t) => tap(name + part, t));
            // With earlier keys only where nothing is computed twice: new ones are appended to them.
            x = _mode.Recompute && (past is null || !is_grad_enabled()) ? Recomputed(_layers[i], x, context) : _layers[i].call(x, context);
            tap?.Invoke(name, x);
        }
        return _norm.Float32(x);
    }

    /// <summary>
    /// A layer that is computed again in the backward pass. What it tells the tap are outputs as well, so that losses on them have gradients.
    /// </summary>
    private static Tensor Recomputed(TextLayer layer, Tensor x, TextContext context)
    {
        List<string> names = [];
        var outputs = Recomputation.Of(layer, x, input =>
        {
            names.Clear();
            List<Tensor> told = [];
            Action<string, Tensor>? tap = context.Tap is null ? null : (name, t) => { names.Add(name); told.Add(t); };
            return [layer.call(input, context with { Tap = tap }), .. told];
        });
        for (var i = 0; i < names.Count; i++) context.Tap!(names[i], outputs[i + 1]);
        return outputs[0];
    }
}

/// <summary>What every layer of one forward pass needs besides its input.</summary>
internal sealed record TextContext(Tensor Cos, Tensor Sin, Tensor Bias, IPastKeys? Past, int Layer, Action<string, Tensor>? Tap);

internal sealed class TokenEmbedding : Module
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;

    public TokenEmbedding(TextConfig c, ComputeMode mode) : base(nameof(TokenEmbedding))
    {
        _weight = mode.Parameter(c.VocabSize, c.HiddenSize);
        RegisterComponents();
    }

    public Tensor Weight => _weight;
}

internal sealed class TextLayer : Module<Tensor, TextContext, Tensor>
{
    [ComponentName(Name = "input_layernorm")] private readonly RmsNorm _inputLayernorm;
    [ComponentName(Name = "post_attention_layernorm")] private readonly RmsNorm _postAttentionLayernorm;
    [ComponentName(Name = "self_attn")] private readonly TextAttention _selfAttn;
    [ComponentName(Name = "mlp")] private readonly GatedMlp _mlp;

    public TextLayer(TextConfig c, ComputeMode mode) : base(nameof(TextLayer))
    {
        _inputLayernorm = new RmsNorm(c.HiddenSize, c.RmsNormEps, mode);
        _postAttentionLayernorm = new RmsNorm(c.HiddenSize, c.RmsNormEps, mode);
        _selfAttn = new TextAttention(c, mode);
        _mlp = new GatedMlp(c.HiddenSize, c.IntermediateSize, bias: false, mode);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x, TextContext context)
    {
        x = x.Plus(_selfAttn.call(_inputLayernorm.call(x), context));
        return x.Plus(_mlp.call(_postAttentionLayernorm.call(x)));
    }
}

internal sealed class TextAttention : Module<Tensor, TextContext, Tensor>
{
    [ComponentName(Name = "q_proj")] private readonly Linear _qProj;
    [ComponentName(Name = "k_proj")] private readonly Linear _kProj;
    [ComponentName(Name = "v_proj")] private readonly Linear _vProj;
    [ComponentName(Name = "o_proj")] private readonly Linear _oProj;
    private readonly int _headSize, _groups;

    public TextAttention(TextConfig c, ComputeMode mode) : base(nameof(TextAttention))
    {
        _headSize = c.HeadDim;
        _groups = c.NumHeads / c.NumKeyValueHeads;
        _qProj = new Linear(c.HiddenSize, c.NumHeads * c.HeadDim, bias: true, mode);
        _kProj = new Linear(c.HiddenSize, c.NumKeyValueHeads * c.HeadDim, bias: true, mode);
        _vProj = new Linear(c.HiddenSize, c.NumKeyValueHeads * c.HeadDim, bias: true, mode);
        _oProj = new Linear(c.NumHeads * c.HeadDim, c.HiddenSize, bias: false, mode);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x, TextContext context)
    {
        long batch = x.shape[0], tokens = x.shape[1];
        Tensor Heads(Linear projection) => projection.call(x).view(batch, tokens, -1, _headSize).transpose(1, 2);
        var q = Rotary.Apply(Heads(_qProj), context.Cos, context.Sin);                       // [B, H, T, D]
        var k = Rotary.Apply(Heads(_kProj), context.Cos, context.Sin);                       // [B, K, T, D]
        var v = Heads(_vProj);                                                               // [B, K, T, D]
        context.Tap?.Invoke(".query", q);
        context.Tap?.Invoke(".key", k);
        if (context.Past is not null) (k, v) = context.Past.Append(context.Layer, k, v);     // [B, K, total, D]
        // Query heads j·groups … (j+1)·groups − 1 share key head j, as rows of one product: no copy of the whole history for each of them.
        var o = Attention.Of(q.reshape(batch, -1, _groups * tokens, _headSize), k, v, PerGroup(context.Bias, tokens));   // [B, K, groups·T, D]
        return _oProj.call(o.reshape(batch, -1, tokens, _headSize).transpose(1, 2).flatten(2));
    }

    /// <summary>[.., T, total] to [.., groups·T, total]; a single token's bias is that of every head as it is.</summary>
    private Tensor PerGroup(Tensor bias, long tokens) => _groups == 1 || tokens == 1 ? bias : cat([.. Enumerable.Repeat(bias, _groups)], -2);
}

internal static class Attention
{
    /// <summary>softmax(q·kᵀ/√D + bias)·v, written out.</summary>
    /// <remarks>
    /// Not the library's fused kernel: on a CPU with bfloat16 products the plain form was measured 4 to 9 times faster than it
    /// at the sizes of the small models (forward and backward), and it is the form that the exported graph computes.
    /// </remarks>
    public static Tensor Of(Tensor q, Tensor k, Tensor v, Tensor? bias)
    {
        using var scale = tensor((float)(1 / Math.Sqrt(q.shape[^1]))).to(q.dtype);
        var scores = matmul(q * scale.to(q.device), k.transpose(-1, -2));                    // [B, H, T, total]
        if (bias is not null) scores = scores.Plus(bias.to(scores.dtype));
        return matmul(softmax(scores, -1), v.to(q.dtype));
    }
}

/// <summary>SwiGLU: down(silu(gate x) ∘ up x). arXiv 2002.05202.</summary>
internal sealed class GatedMlp : Module<Tensor, Tensor>
{
    [ComponentName(Name = "gate_proj")] private readonly Linear _gateProj;
    [ComponentName(Name = "up_proj")] private readonly Linear _upProj;
    [ComponentName(Name = "down_proj")] private readonly Linear _downProj;

    public GatedMlp(int width, int hidden, bool bias, ComputeMode mode) : base(nameof(GatedMlp))
    {
        _gateProj = new Linear(width, hidden, bias, mode);
        _upProj = new Linear(width, hidden, bias, mode);
        _downProj = new Linear(hidden, width, bias, mode);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => _downProj.call(functional.silu(_gateProj.call(x)) * _upProj.call(x));
}

/// <summary>x / rms(x) · w, computed in float32 and handed on in the compute type. arXiv 1910.07467.</summary>
internal sealed class RmsNorm : Module<Tensor, Tensor>
{
    private static readonly long[] LastAxis = [-1];
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    private readonly float _eps;
    private readonly ComputeMode _mode;

    public RmsNorm(int width, double eps, ComputeMode mode) : base(nameof(RmsNorm))
    {
        _eps = (float)eps;
        _mode = mode;
        _weight = mode.Parameter(width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Scaled(x, _mode.Products);

    public Tensor Float32(Tensor x) => Scaled(x, float32);

    private Tensor Scaled(Tensor x, ScalarType type)
    {
        using var epsilon = tensor(_eps, device: x.device);
        return (x * rsqrt((x * x).mean(LastAxis, true).Plus(epsilon))).to(type) * _weight.to(type);
    }
}

/// <summary>y = x·Wᵀ + b in the type of x, plus the low-rank update of an adapter when there is one.</summary>
internal sealed class Linear : Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    [ComponentName(Name = "bias")] private readonly Parameter? _bias;

    public Linear(int inputs, int outputs, bool bias, ComputeMode mode) : base(nameof(Linear))
    {
        _weight = mode.Parameter(outputs, inputs);
        _bias = bias ? mode.Parameter(outputs) : null;
        RegisterComponents();
    }

    public Tensor Weight => _weight;

    /// <summary>Lives outside the registered fields: the checkpoint of the base has no adapter.</summary>
    public LoraPair? Adapter { get; set; }

    public override Tensor forward(Tensor x)
    {
        var y = functional.linear(x, _weight.to(x.dtype), _bias?.to(x.dtype));
        return Adapter?.Of(x) is { } update ? y.Plus(update) : y;
    }
}
