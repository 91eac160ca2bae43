using Vlm.Model;
using Vlm.Vision;

namespace Vlm.Trainer.Checkpoints;

/// <summary>Architectures of public checkpoints: what their config.json and preprocessor_config.json say.</summary>
internal static class PublicPreset
{
    /// <summary>The names, as they are asked for.</summary>
    public static readonly string[] Names = ["qwen2.5-vl-3b", "tiny"];

    /// <summary>The architecture behind a name.</summary>
    public static VlmConfig Config(string name) => name switch
    {
        "qwen2.5-vl-3b" => Qwen3B,
        "tiny" => Tiny,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, $"There is no such preset; there are {string.Join(", ", Names)}."),
    };

    /// <summary>The pictures that all of them take: CLIP's colours, 4 to 16,384 tokens.</summary>
    public static PictureConfig Pictures { get; } = new() { MaxPixels = 12_845_056 };

    /// <summary>Qwen/Qwen2.5-VL-3B-Instruct: 3,754,622,976 parameters.</summary>
    private static VlmConfig Qwen3B { get; } = new()
    {
        Vision = new VisionConfig
        {
            Depth = 32,
            HiddenSize = 1280,
            IntermediateSize = 3420,
            NumHeads = 16,
            OutHiddenSize = 2048,
            FullAttentionBlocks = [7, 15, 23, 31],
        },
        Text = new TextConfig
        {
            VocabSize = 151_936,
            HiddenSize = 2048,
            IntermediateSize = 11_008,
            NumLayers = 36,
            NumHeads = 16,
            NumKeyValueHeads = 2,
            MropeSection = [16, 24, 24],
            MaxPositions = 128_000,
        },
        ImageTokenId = 151_655,
        VideoTokenId = 151_656,
        VisionStartTokenId = 151_652,
        VisionEndTokenId = 151_653,
        EosTokenIds = [151_645],
        PadTokenId = 151_643,
        BosTokenId = 151_643,
        TieWordEmbeddings = true,
    };

    /// <summary>The same in small: for trying what is to be done with the large one.</summary>
    private static VlmConfig Tiny { get; } = Qwen3B with
    {
        Vision = Qwen3B.Vision with { Depth = 2, HiddenSize = 32, IntermediateSize = 48, NumHeads = 2, OutHiddenSize = 32, FullAttentionBlocks = [1] },
        Text = Qwen3B.Text with { HiddenSize = 32, IntermediateSize = 64, NumLayers = 2, NumHeads = 2, NumKeyValueHeads = 1, MropeSection = [2, 3, 3] },
    };
}
