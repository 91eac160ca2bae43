using Vlm.Model;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Trainer.Config;

/// <summary>The sizes that make a preset; everything else of config.json follows from the small tokenizer.</summary>
public sealed record VlmSizes
{
    public required int VisionDepth { get; init; }

    public required int VisionWidth { get; init; }

    public required int VisionHeads { get; init; }

    public required int VisionHidden { get; init; }

    public required int[] FullAttentionBlocks { get; init; }

    public required int TextLayers { get; init; }

    public required int TextWidth { get; init; }

    public required int TextHeads { get; init; }

    public required int KeyValueHeads { get; init; }

    public required int TextHidden { get; init; }

    public required int[] MropeSection { get; init; }

    public int VocabSize { get; init; } = 304;

    public int MaxPositions { get; init; } = 1024;

    public double RopeTheta { get; init; } = 10000;
}

/// <summary>From a run's sizes to the configurations that a checkpoint folder holds.</summary>
internal static class ModelPreset
{
    /// <summary>config.json of a model with the small tokenizer.</summary>
    public static VlmConfig Config(VlmSizes sizes)
    {
        var config = new VlmConfig
        {
            Vision = new VisionConfig
            {
                Depth = sizes.VisionDepth,
                HiddenSize = sizes.VisionWidth,
                IntermediateSize = sizes.VisionHidden,
                NumHeads = sizes.VisionHeads,
                OutHiddenSize = sizes.TextWidth,
                FullAttentionBlocks = sizes.FullAttentionBlocks,
            },
            Text = new TextConfig
            {
                VocabSize = sizes.VocabSize,
                HiddenSize = sizes.TextWidth,
                IntermediateSize = sizes.TextHidden,
                NumLayers = sizes.TextLayers,
                NumHeads = sizes.TextHeads,
                NumKeyValueHeads = sizes.KeyValueHeads,
                MropeSection = sizes.MropeSection,
                MaxPositions = sizes.MaxPositions,
                RopeTheta = sizes.RopeTheta,
            },
            ImageTokenId = SmallTokenizer.Id(SmallTokenizer.ImagePad),
            VideoTokenId = SmallTokenizer.Id(SmallTokenizer.VideoPad),
            VisionStartTokenId = SmallTokenizer.Id(SmallTokenizer.VisionStart),
            VisionEndTokenId = SmallTokenizer.Id(SmallTokenizer.VisionEnd),
            EosTokenIds = [SmallTokenizer.Id(SmallTokenizer.TurnEnd)],
            PadTokenId = SmallTokenizer.Id(SmallTokenizer.EndOfText),
            BosTokenId = SmallTokenizer.Id(SmallTokenizer.TurnStart),
            TieWordEmbeddings = true,
        };
        config.Validate();
        return config;
    }

    /// <summary>preprocessor_config.json: white paper becomes 0.58, ink −3.4.</summary>
    /// <remarks>pixel/64 − 3.4. With −1 … 1 instead, where white is as far from zero as ink, reading was learned more slowly.</remarks>
    public static PictureConfig Pictures(TrainConfig config)
    {
        const float Deviation = 64f / 255, Mean = 3.4f * 64 / 255;
        return new PictureConfig
        { MinPixels = config.MinPixels, MaxPixels = config.MaxPixels, Mean = [Mean, Mean, Mean], Std = [Deviation, Deviation, Deviation] };
    }
}
