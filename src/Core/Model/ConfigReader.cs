using System.Text.Json;

namespace Vlm.Model;

/// <summary>
/// Reads the three layouts of a Qwen2.5-VL <c>config.json</c>: the public one (text fields on top), transformers 4.57's (text fields twice)
/// and transformers 5's (text fields in <c>text_config</c>, rope in <c>rope_parameters</c>).
/// </summary>
internal static class ConfigReader
{
    // A field that nobody knows may change the model, and running another model than was trained gives wrong answers without an error:
    // so unknown fields are refused, and these, which do not change it, are named.
    private static readonly HashSet<string> Harmless = [
        "architectures", "attention_dropout", "dtype", "torch_dtype", "hidden_act", "id2label", "label2id", "initializer_range", "layer_types",
        "max_window_layers", "model_type", "output_attentions", "output_hidden_states", "return_dict", "rope_scaling", "rope_parameters", "sliding_window",
        "text_config", "vision_config", "transformers_version", "use_cache", "use_sliding_window", "vision_token_id", "chunk_size_feed_forward",
        "is_encoder_decoder", "problem_type", "tokens_per_second", "spatial_patch_size", "auto_map", "torchscript", "use_bfloat16", "is_decoder",
        "add_cross_attention", "pruned_heads", "task_specific_params", "tokenizer_class", "prefix", "finetuning_task", "attn_implementation"];

    private static readonly HashSet<string> Used = [
        "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "rms_norm_eps",
        "rope_theta", "max_position_embeddings", "image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id", "eos_token_id",
        "pad_token_id", "bos_token_id", "tie_word_embeddings", "depth", "num_heads", "in_chans", "in_channels", "out_hidden_size", "patch_size",
        "spatial_merge_size", "temporal_patch_size", "window_size", "fullatt_block_indexes"];

    public static VlmConfig? Read(JsonElement root, List<string> problems)
    {
        var top = new JsonFields(root, "", problems);
        if (!top.Has("model_type"))
            problems.Add("'model_type' is missing");
        top.MustBe("model_type", "qwen2_5_vl");
        JsonFields? vision = top.Section("vision_config");
        if (vision is null)
            problems.Add("'vision_config' is missing");
        if (problems.Count > 0)
            return null;
        JsonFields text = top.Section("text_config") ?? top;
        RefuseUnknown(problems, ("", top), ("text_config.", text), ("vision_config.", vision!));
        int? bos = top.Has("bos_token_id") ? top.Int("bos_token_id") : null;
        return new VlmConfig
        {
            Vision = Vision(vision!),
            Text = Text(text, problems),
            ImageTokenId = top.Int("image_token_id"),
            VideoTokenId = top.Int("video_token_id"),
            VisionStartTokenId = top.Int("vision_start_token_id"),
            VisionEndTokenId = top.Int("vision_end_token_id"),
            EosTokenIds = (top.Has("eos_token_id") ? top : text).Ints("eos_token_id"),
            // The public files name no padding: Qwen pads with the token that they call bos.
            PadTokenId = (top.Has("pad_token_id") ? top : text).Int("pad_token_id", bos),
            BosTokenId = bos ?? (top.Has("pad_token_id") ? top.Int("pad_token_id") : text.Int("bos_token_id")),
            TieWordEmbeddings = (top.Has("tie_word_embeddings") ? top : text).Bool("tie_word_embeddings", false),
        };
    }

    private static VisionConfig Vision(JsonFields vision)
    {
        vision.MustBe("hidden_act", "silu");
        return new VisionConfig
        {
            Depth = vision.Int("depth"),
            HiddenSize = vision.Int("hidden_size"),
            IntermediateSize = vision.Int("intermediate_size"),
            NumHeads = vision.Int("num_heads"),
            InChannels = vision.Int(vision.Has("in_chans") ? "in_chans" : "in_channels", 3),
            OutHiddenSize = vision.Int("out_hidden_size"),
            PatchSize = vision.Int("patch_size"),
            SpatialMergeSize = vision.Int("spatial_merge_size"),
            TemporalPatchSize = vision.Int("temporal_patch_size"),
            WindowSize = vision.Int("window_size"),
            FullAttentionBlocks = vision.Ints("fullatt_block_indexes"),
        };
    }

    private static TextConfig Text(JsonFields text, List<string> problems)
    {
        text.MustBe("hidden_act", "silu");
        text.MustBe("use_sliding_window", false);
        JsonFields? rope = text.Section("rope_parameters") ?? text.Section("rope_scaling");
        if (rope is null)
            problems.Add("'rope_scaling' (or 'rope_parameters') with 'mrope_section' is missing");
        // The type is 'mrope' in the public files and 'default' in newer ones; anything else (yarn, linear) scales the angles.
        rope?.MustBe("type", "mrope", "default");
        rope?.MustBe("rope_type", "default", "mrope");
        return new TextConfig
        {
            VocabSize = text.Int("vocab_size"),
            HiddenSize = text.Int("hidden_size"),
            IntermediateSize = text.Int("intermediate_size"),
            NumLayers = text.Int("num_hidden_layers"),
            NumHeads = text.Int("num_attention_heads"),
            NumKeyValueHeads = text.Int("num_key_value_heads"),
            HeadDim = text.Int("head_dim", 0),
            RmsNormEps = text.Number("rms_norm_eps"),
            RopeTheta = (rope is not null && rope.Has("rope_theta") ? rope : text).Number("rope_theta"),
            MropeSection = rope?.Ints("mrope_section") ?? [],
            MaxPositions = text.Int("max_position_embeddings"),
        };
    }

    private static void RefuseUnknown(List<string> problems, params (string Where, JsonFields Fields)[] sections)
    {
        IEnumerable<string> unknown = sections.SelectMany(section => section.Fields.Names
            .Where(name => !Harmless.Contains(name) && !Used.Contains(name) && !name.StartsWith('_'))
            .Select(name => section.Where + name)).Distinct();
        foreach (string name in unknown)
            problems.Add($"'{name}' is not known here and may change the model; delete it if it does not");
    }
}
