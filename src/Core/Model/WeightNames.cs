namespace Vlm.Model;

/// <summary>A weight as the checkpoint stores it.</summary>
/// <param name="Name">Hugging Face's name, in the generation of the public checkpoints.</param>
/// <param name="Shape">Sizes; matrices are [out, in].</param>
public sealed record WeightSpec(string Name, long[] Shape);

/// <summary>Every weight's name and shape as a function of the configuration.</summary>
public static class WeightNames
{
    /// <summary>All weights in the model's order: tower, embedding, layers, last norm, head (unless tied).</summary>
    public static IEnumerable<WeightSpec> All(VlmConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return [.. Tower(config.Vision), .. Decoder(config)];
    }

    /// <summary>
    /// The public checkpoints' name of a weight: some versions of transformers wrote <c>model.visual.*</c> and <c>model.language_model.*</c>.
    /// </summary>
    public static string Canonical(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.StartsWith("model.visual.", StringComparison.Ordinal))
            return name["model.".Length..];
        return name.StartsWith("model.language_model.", StringComparison.Ordinal) ? $"model.{name["model.language_model.".Length..]}" : name;
    }

    private static IEnumerable<WeightSpec> Tower(VisionConfig c)
    {
        long width = c.HiddenSize;
        long inside = c.IntermediateSize;
        long merged = width * c.SpatialMergeSize * c.SpatialMergeSize;
        yield return new("visual.patch_embed.proj.weight", [width, c.InChannels, c.TemporalPatchSize, c.PatchSize, c.PatchSize]);
        for (int i = 0; i < c.Depth; i++)
        {
            string block = $"visual.blocks.{i}.";
            yield return new($"{block}norm1.weight", [width]);
            yield return new($"{block}norm2.weight", [width]);
            yield return new($"{block}attn.qkv.weight", [3 * width, width]);
            yield return new($"{block}attn.qkv.bias", [3 * width]);
            yield return new($"{block}attn.proj.weight", [width, width]);
            yield return new($"{block}attn.proj.bias", [width]);
            yield return new($"{block}mlp.gate_proj.weight", [inside, width]);
            yield return new($"{block}mlp.gate_proj.bias", [inside]);
            yield return new($"{block}mlp.up_proj.weight", [inside, width]);
            yield return new($"{block}mlp.up_proj.bias", [inside]);
            yield return new($"{block}mlp.down_proj.weight", [width, inside]);
            yield return new($"{block}mlp.down_proj.bias", [width]);
        }
        yield return new("visual.merger.ln_q.weight", [width]);
        yield return new("visual.merger.mlp.0.weight", [merged, merged]);
        yield return new("visual.merger.mlp.0.bias", [merged]);
        yield return new("visual.merger.mlp.2.weight", [c.OutHiddenSize, merged]);
        yield return new("visual.merger.mlp.2.bias", [c.OutHiddenSize]);
    }

    private static IEnumerable<WeightSpec> Decoder(VlmConfig config)
    {
        TextConfig c = config.Text;
        long width = c.HiddenSize;
        long queries = (long)c.NumHeads * c.HeadDim;
        long keys = (long)c.NumKeyValueHeads * c.HeadDim;
        yield return new("model.embed_tokens.weight", [c.VocabSize, width]);
        for (int i = 0; i < c.NumLayers; i++)
        {
            string layer = $"model.layers.{i}.";
            yield return new($"{layer}input_layernorm.weight", [width]);
            yield return new($"{layer}self_attn.q_proj.weight", [queries, width]);
            yield return new($"{layer}self_attn.q_proj.bias", [queries]);
            yield return new($"{layer}self_attn.k_proj.weight", [keys, width]);
            yield return new($"{layer}self_attn.k_proj.bias", [keys]);
            yield return new($"{layer}self_attn.v_proj.weight", [keys, width]);
            yield return new($"{layer}self_attn.v_proj.bias", [keys]);
            yield return new($"{layer}self_attn.o_proj.weight", [width, queries]);
            yield return new($"{layer}post_attention_layernorm.weight", [width]);
            yield return new($"{layer}mlp.gate_proj.weight", [c.IntermediateSize, width]);
            yield return new($"{layer}mlp.up_proj.weight", [c.IntermediateSize, width]);
            yield return new($"{layer}mlp.down_proj.weight", [width, c.IntermediateSize]);
        }
        yield return new("model.norm.weight", [width]);
        if (!config.TieWordEmbeddings)
            yield return new("lm_head.weight", [c.VocabSize, width]);
    }
}
