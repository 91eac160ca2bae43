using System.Text.Json.Nodes;
using Vlm.Model;

namespace Vlm.Core.Tests.Model;

public sealed class VlmConfigTests
{
    [Theory]
    [InlineData("config.json")]
    [InlineData("config.public-layout.json")]
    [InlineData("config.nested-layout.json")]
    public void Every_layout_means_the_same_model(string file)
    {
        using var folder = new TempFolder();
        VlmConfig config = VlmConfig.Load(Path.Combine(Golden.Checkpoint, file));
        config.Save(folder.File("config.json"));
        VlmConfig.Load(folder.Path).Save(folder.File("again.json"));
        VlmConfig.Load(Path.Combine(Golden.Checkpoint, "config.public-layout.json")).Save(folder.File("public.json"));

        Assert.Equal(File.ReadAllText(folder.File("public.json")), File.ReadAllText(folder.File("config.json")));
        Assert.Equal(File.ReadAllText(folder.File("public.json")), File.ReadAllText(folder.File("again.json")));
        Assert.Equal((4, 64, 2, 32, 96),
            (config.Vision.Depth, config.Vision.HiddenSize, config.Vision.NumHeads, config.Vision.HeadDim, config.Vision.IntermediateSize));
        Assert.Equal([1, 3], config.Vision.FullAttentionBlocks);
        Assert.Equal((3, 64, 4, 2, 16),
            (config.Text.NumLayers, config.Text.HiddenSize, config.Text.NumHeads, config.Text.NumKeyValueHeads, config.Text.HeadDim));
        Assert.Equal([2, 3, 3], config.Text.MropeSection);
        Assert.Equal((1e6, 1e-6, 2048, 320), (config.Text.RopeTheta, config.Text.RmsNormEps, config.Text.MaxPositions, config.Text.VocabSize));
        Assert.Equal((300, 303, 301, 302, 304, 306),
            (config.ImageTokenId, config.VideoTokenId, config.VisionStartTokenId, config.VisionEndTokenId, config.PadTokenId, config.BosTokenId));
        Assert.Equal([305], config.EosTokenIds);
        Assert.True(config.TieWordEmbeddings);
    }

    [Fact]
    public void The_public_3b_models_file_is_understood()
    {
        using var folder = new TempFolder();
        string path = folder.Write("config.json", """
            {"architectures": ["Qwen2_5_VLForConditionalGeneration"], "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645,
             "vision_start_token_id": 151652, "vision_end_token_id": 151653, "vision_token_id": 151654, "image_token_id": 151655, "video_token_id": 151656,
             "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02, "intermediate_size": 11008, "max_position_embeddings": 128000,
             "max_window_layers": 70, "model_type": "qwen2_5_vl", "num_attention_heads": 16, "num_hidden_layers": 36, "num_key_value_heads": 2,
             "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
             "transformers_version": "4.41.2", "use_cache": true, "use_sliding_window": false,
             "vision_config": {"depth": 32, "hidden_act": "silu", "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "in_chans": 3,
               "out_hidden_size": 2048, "patch_size": 14, "spatial_merge_size": 2, "spatial_patch_size": 14, "window_size": 112,
               "fullatt_block_indexes": [7, 15, 23, 31], "tokens_per_second": 2, "temporal_patch_size": 2},
             "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}, "vocab_size": 151936}
            """);

        VlmConfig config = VlmConfig.Load(path);

        Assert.Equal(151643, config.PadTokenId);
        Assert.Equal(128, config.Text.HeadDim);
        long weights = WeightNames.All(config).Sum(weight => weight.Shape.Aggregate(1L, (product, size) => product * size));
        Assert.Equal(3_754_622_976, weights);
    }

    [Fact]
    public void An_untied_model_with_several_end_tokens_and_its_own_head_width_is_saved_and_read_back()
    {
        using var folder = new TempFolder();
        VlmConfig golden = Golden.Config;
        VlmConfig config =
            golden with { TieWordEmbeddings = false, EosTokenIds = [305, 304], Text = golden.Text with { HeadDim = 8, MropeSection = [2, 1, 1] } };

        config.Save(folder.File("config.json"));
        VlmConfig read = VlmConfig.Load(folder.File("config.json"));

        Assert.Equal([305, 304], read.EosTokenIds);
        Assert.Equal(8, read.Text.HeadDim);
        Assert.False(read.TieWordEmbeddings);
        Assert.Contains(WeightNames.All(read), weight => weight is { Name: "lm_head.weight", Shape: [320, 64] });
        Assert.Contains(WeightNames.All(read), weight => weight is { Name: "model.layers.0.self_attn.o_proj.weight", Shape: [64, 32] });
    }

    [Fact]
    public void Everything_missing_unknown_or_unsupported_is_named_in_one_error()
    {
        string message = Refused(json =>
        {
            json.Remove("image_token_id");
            json["vision_config"]!.AsObject().Remove("depth");
            json["vision_config"]!["deepstack_visual_indexes"] = new JsonArray(1);
            json["quantization_config"] = new JsonObject();
            json["use_sliding_window"] = true;
            json["hidden_act"] = "gelu";
            json["rope_scaling"]!["type"] = "yarn";
            json["hidden_size"] = "wide";
        });

        foreach (string part in (string[])[
            "'image_token_id' is missing", "'vision_config.depth' is missing", "'vision_config.deepstack_visual_indexes' is not known",
            "'quantization_config' is not known",
            "'use_sliding_window' is true", "'hidden_act' is 'gelu'", "'rope_scaling.type' is 'yarn'", "'hidden_size' must be a whole number; it is \"wide\""])
        {
            Assert.Contains(part, message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Another_architecture_is_refused()
    {
        Assert.Contains("'model_type' is 'qwen3_vl'", Refused(json => json["model_type"] = "qwen3_vl"), StringComparison.Ordinal);
        Assert.Contains("'model_type' is missing", Refused(json => json.Remove("model_type")), StringComparison.Ordinal);
        Assert.Contains("'vision_config' is missing", Refused(json => json.Remove("vision_config")), StringComparison.Ordinal);
        Assert.Contains("'rope_scaling' (or 'rope_parameters') with 'mrope_section' is missing", Refused(json => json.Remove("rope_scaling")),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("num_attention_heads", 3, "num_attention_heads 3 must be a multiple of num_key_value_heads 2")]
    [InlineData("num_attention_heads", 8, "mrope_section [2, 3, 3] must be three numbers that add up to half a head, 4")]
    [InlineData("vocab_size", 301, "vision_start_token_id is 301; it must be below vocab_size 301")]
    [InlineData("hidden_size", 128, "vision_config.out_hidden_size 64 must equal the decoder's hidden_size 128")]
    [InlineData("num_hidden_layers", 0, "num_hidden_layers is 0")]
    [InlineData("image_token_id", 303, "must all differ")]
    public void Sizes_that_do_not_fit_each_other_are_refused_with_both_values(string field, int value, string expected) =>
        Assert.Contains(expected, Refused(json => json[field] = value), StringComparison.Ordinal);

    [Theory]
    [InlineData("window_size", 100, "window_size 100 must be a multiple")]
    [InlineData("num_heads", 3, "hidden_size 64 divided by num_heads 3")]
    [InlineData("patch_size", -1, "patch_size is -1")]
    [InlineData("depth", 3, "fullatt_block_indexes names block 3; there are 3")]
    public void Tower_sizes_that_do_not_fit_each_other_are_refused_with_both_values(string field, int value, string expected) =>
        Assert.Contains(expected, Refused(json => json["vision_config"]![field] = value), StringComparison.Ordinal);

    [Theory]
    [InlineData("", "is not JSON")]
    [InlineData("{\"a\": 1", "is not JSON")]
    [InlineData("[1]", "must hold a JSON object")]
    public void A_file_that_is_no_configuration_is_one_clear_error(string text, string expected)
    {
        using var folder = new TempFolder();

        Assert.Contains(
            expected, Assert.Throws<CheckpointException>(() => VlmConfig.Load(folder.Write("config.json", text))).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be read", Assert.Throws<CheckpointException>(() => VlmConfig.Load(folder.File("none.json"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weight_names_are_those_of_the_golden_checkpoint()
    {
        using SafeTensors file = SafeTensors.Open(Path.Combine(Golden.Checkpoint, "model.safetensors"));

        Assert.Equal(file.Names.Order(StringComparer.Ordinal), WeightNames.All(Golden.Config).Select(weight => weight.Name).Order(StringComparer.Ordinal));
        Assert.All(WeightNames.All(Golden.Config), weight => Assert.Equal(weight.Shape, file.Info(weight.Name).Shape));
    }

    private static string Refused(Action<JsonObject> change)
    {
        using var folder = new TempFolder();
        JsonObject json = JsonNode.Parse(File.ReadAllText(Path.Combine(Golden.Checkpoint, "config.public-layout.json")))!.AsObject();
        change(json);
        string path = folder.Write("config.json", json.ToJsonString());
        string message = Assert.Throws<CheckpointException>(() => VlmConfig.Load(path)).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        return message;
    }
}
