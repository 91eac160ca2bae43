using System.Text.Json;

namespace Vlm.Model;

/// <summary>The architecture of a Qwen2.5-VL model: Hugging Face's <c>config.json</c>.</summary>
public sealed record VlmConfig
{
    /// <summary>The vision tower.</summary>
    public required VisionConfig Vision { get; init; }

    /// <summary>The text decoder.</summary>
    public required TextConfig Text { get; init; }

    /// <summary>The placeholder that a merged patch replaces.</summary>
    public required int ImageTokenId { get; init; }

    /// <summary>The placeholder of film frames.</summary>
    public required int VideoTokenId { get; init; }

    /// <summary>Stands before a picture.</summary>
    public required int VisionStartTokenId { get; init; }

    /// <summary>Stands after a picture.</summary>
    public required int VisionEndTokenId { get; init; }

    /// <summary>Any of them ends a generation; at least one.</summary>
    public required int[] EosTokenIds { get; init; }

    /// <summary>Fills up shorter rows of a batch.</summary>
    public required int PadTokenId { get; init; }

    /// <summary>Begins a text; Qwen never writes it.</summary>
    public required int BosTokenId { get; init; }

    /// <summary>Whether the embedding's matrix is also the head's; then there is no <c>lm_head.weight</c>.</summary>
    public required bool TieWordEmbeddings { get; init; }

    /// <summary>Reads <c>config.json</c> (or the folder it lies in) in any of the three layouts in use.</summary>
    /// <exception cref="CheckpointException">Missing or not usable; one message names every missing, unknown and wrong field.</exception>
    public static VlmConfig Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string file = Directory.Exists(path) ? Path.Combine(path, "config.json") : path;
        using JsonDocument document = JsonFields.Open(file);
        var problems = new List<string>();
        VlmConfig? config = ConfigReader.Read(document.RootElement, problems);
        if (problems.Count == 0)
            config!.Check(problems);
        return problems.Count == 0 ? config! : throw Unusable(file, problems);
    }

    /// <summary>Checks that the sizes fit each other.</summary>
    /// <exception cref="CheckpointException">One message with every rule that is broken and the values that break it.</exception>
    public void Validate()
    {
        var problems = new List<string>();
        Check(problems);
        if (problems.Count > 0)
            throw Unusable("The model's configuration", problems);
    }

    /// <summary>Writes the layout of the public checkpoints, under a temporary name first.</summary>
    public void Save(string path) => JsonFields.Save(path, json =>
    {
        json.WriteStartArray("architectures");
        json.WriteStringValue("Qwen2_5_VLForConditionalGeneration");
        json.WriteEndArray();
        json.WriteString("model_type", "qwen2_5_vl");
        json.WriteNumber("bos_token_id", BosTokenId);
        if (EosTokenIds.Length == 1)
            json.WriteNumber("eos_token_id", EosTokenIds[0]);
        else
            JsonFields.Write(json, "eos_token_id", EosTokenIds);
        json.WriteNumber("pad_token_id", PadTokenId);
        json.WriteNumber("vision_start_token_id", VisionStartTokenId);
        json.WriteNumber("vision_end_token_id", VisionEndTokenId);
        json.WriteNumber("image_token_id", ImageTokenId);
        json.WriteNumber("video_token_id", VideoTokenId);
        json.WriteBoolean("tie_word_embeddings", TieWordEmbeddings);
        WriteText(json);
        WriteVision(json);
    });

    private void WriteText(Utf8JsonWriter json)
    {
        json.WriteString("hidden_act", "silu");
        json.WriteNumber("hidden_size", Text.HiddenSize);
        json.WriteNumber("intermediate_size", Text.IntermediateSize);
        json.WriteNumber("max_position_embeddings", Text.MaxPositions);
        json.WriteNumber("num_attention_heads", Text.NumHeads);
        json.WriteNumber("num_hidden_layers", Text.NumLayers);
        json.WriteNumber("num_key_value_heads", Text.NumKeyValueHeads);
        if (Text.HeadDim * Text.NumHeads != Text.HiddenSize)
            json.WriteNumber("head_dim", Text.HeadDim);
        json.WriteNumber("rms_norm_eps", Text.RmsNormEps);
        json.WriteNumber("rope_theta", Text.RopeTheta);
        json.WriteStartObject("rope_scaling");
        json.WriteString("type", "mrope");
        JsonFields.Write(json, "mrope_section", Text.MropeSection);
        json.WriteEndObject();
        json.WriteBoolean("use_cache", true);
        json.WriteBoolean("use_sliding_window", false);
        json.WriteNumber("vocab_size", Text.VocabSize);
    }

    private void WriteVision(Utf8JsonWriter json)
    {
        json.WriteStartObject("vision_config");
        json.WriteString("model_type", "qwen2_5_vl");
        json.WriteNumber("depth", Vision.Depth);
        json.WriteString("hidden_act", "silu");
        json.WriteNumber("hidden_size", Vision.HiddenSize);
        json.WriteNumber("intermediate_size", Vision.IntermediateSize);
        json.WriteNumber("num_heads", Vision.NumHeads);
        json.WriteNumber("in_chans", Vision.InChannels);
        // Newer readers ignore the public spelling and would fall back to their default.
        json.WriteNumber("in_channels", Vision.InChannels);
        json.WriteNumber("out_hidden_size", Vision.OutHiddenSize);
        json.WriteNumber("patch_size", Vision.PatchSize);
        json.WriteNumber("spatial_merge_size", Vision.SpatialMergeSize);
        json.WriteNumber("spatial_patch_size", Vision.PatchSize);
        json.WriteNumber("window_size", Vision.WindowSize);
        JsonFields.Write(json, "fullatt_block_indexes", Vision.FullAttentionBlocks);
        json.WriteNumber("tokens_per_second", 2);
        json.WriteNumber("temporal_patch_size", Vision.TemporalPatchSize);
        json.WriteEndObject();
    }

    private void Check(List<string> problems)
    {
        Vision.Check(problems);
        Text.Check(problems);
        if (Vision.OutHiddenSize != Text.HiddenSize)
            problems.Add($"vision_config.out_hidden_size {Vision.OutHiddenSize} must equal the decoder's hidden_size {Text.HiddenSize}");
        (string Name, int Id)[] ids = [
            ("image_token_id", ImageTokenId), ("video_token_id", VideoTokenId), ("vision_start_token_id", VisionStartTokenId),
            ("vision_end_token_id", VisionEndTokenId), ("pad_token_id", PadTokenId), ("bos_token_id", BosTokenId),
            .. EosTokenIds.Select(id => ("eos_token_id", id))];
        foreach ((string name, int id) in ids.Where(each => each.Id < 0 || each.Id >= Text.VocabSize))
            problems.Add($"{name} is {id}; it must be below vocab_size {Text.VocabSize}");
        if (ids.Take(4).DistinctBy(each => each.Id).Count() < 4)
            problems.Add($"{string.Join(", ", ids.Take(4).Select(each => $"{each.Name} {each.Id}"))} must all differ");
        if (EosTokenIds.Length == 0)
            problems.Add("eos_token_id must name at least one token");
    }

    private static CheckpointException Unusable(string what, List<string> problems) => new($"{what} cannot be used: {string.Join("; ", problems)}.");
}
