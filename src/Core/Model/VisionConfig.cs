namespace Vlm.Model;

/// <summary>The vision tower's sizes: <c>vision_config</c> of <c>config.json</c>.</summary>
public sealed record VisionConfig
{
    /// <summary>Base of the tower's two-dimensional rotary embedding; the architecture fixes it.</summary>
    public const double RopeTheta = 10000;

    /// <summary>Epsilon of every RMSNorm in the tower; the reference uses it whatever the config says.</summary>
    public const double NormEps = 1e-6;

    /// <summary>Number of blocks.</summary>
    public required int Depth { get; init; }

    /// <summary>Width of a patch's embedding.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width inside the MLP.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Attention heads.</summary>
    public required int NumHeads { get; init; }

    /// <summary>Colour channels.</summary>
    public int InChannels { get; init; } = 3;

    /// <summary>Width of a merged token: the text decoder's width.</summary>
    public required int OutHiddenSize { get; init; }

    /// <summary>Side of a patch in pixels.</summary>
    public int PatchSize { get; init; } = 14;

    /// <summary>Side of a merged block in patches.</summary>
    public int SpatialMergeSize { get; init; } = 2;

    /// <summary>Frames in one patch.</summary>
    public int TemporalPatchSize { get; init; } = 2;

    /// <summary>Side of an attention window in pixels.</summary>
    public int WindowSize { get; init; } = 112;

    /// <summary>Blocks that attend over the whole picture; the others stay inside windows.</summary>
    public required int[] FullAttentionBlocks { get; init; }

    /// <summary>Width of one head.</summary>
    public int HeadDim => HiddenSize / NumHeads;

    internal void Check(List<string> problems)
    {
        JudgePositive(problems, [
            ("depth", Depth), ("hidden_size", HiddenSize), ("intermediate_size", IntermediateSize), ("num_heads", NumHeads),
            ("in_channels", InChannels), ("out_hidden_size", OutHiddenSize), ("patch_size", PatchSize),
            ("spatial_merge_size", SpatialMergeSize), ("temporal_patch_size", TemporalPatchSize), ("window_size", WindowSize)]);
        if (problems.Count > 0)
            return;
        if (HiddenSize % NumHeads != 0 || HeadDim % 4 != 0)
            problems.Add($"vision_config: hidden_size {HiddenSize} divided by num_heads {NumHeads} must be a multiple of 4");
        if (WindowSize % (PatchSize * SpatialMergeSize) != 0)
            problems.Add($"vision_config: window_size {WindowSize} must be a multiple of patch_size x spatial_merge_size, {PatchSize * SpatialMergeSize}");
        foreach (int block in FullAttentionBlocks.Where(block => block < 0 || block >= Depth))
            problems.Add($"vision_config: fullatt_block_indexes names block {block}; there are {Depth}");
    }

    private static void JudgePositive(List<string> problems, (string Name, int Value)[] sizes)
    {
        foreach ((string name, int value) in sizes.Where(size => size.Value < 1))
            problems.Add($"vision_config: {name} is {value}; it must be at least 1");
    }
}
