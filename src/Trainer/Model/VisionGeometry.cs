using TorchSharp;
using Vlm.Model;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Model;

/// <summary>Rotation angles and attention windows of one picture grid.</summary>
/// <param name="Cos">[N, D/2]</param>
/// <param name="Sin">[N, D/2]</param>
/// <param name="FullBias">Null: within a picture every patch sees every other. [N, N] when the picture has several frames, which do not see each other.</param>
/// <param name="WindowBias">[N, N]: 0 within a window, −inf across.</param>
internal sealed record GridGeometry(Tensor Cos, Tensor Sin, Tensor? FullBias, Tensor WindowBias);

/// <summary>
/// Where the patches of a picture lie, for the tower. Windows are a mask over patches in their given order, so nothing is reordered;
/// the exported graph does the same.
/// </summary>
/// <remarks>Lives outside the modules' fields as plain data: a tensor in a field would become a buffer of the checkpoint.</remarks>
internal sealed class VisionGeometry(VisionConfig config)
{
    private const int MostGrids = 64;
    private readonly Dictionary<(PatchGrid, DeviceType), GridGeometry> _known = [];

    public GridGeometry For(PatchGrid grid, Device device)
    {
        if (_known.TryGetValue((grid, device.type), out var geometry)) return geometry;
        if (_known.Count >= MostGrids) _known.Clear();
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        geometry = Compute(grid, device);
        foreach (var t in new[] { geometry.Cos, geometry.Sin, geometry.FullBias, geometry.WindowBias }) t?.DetachFromDisposeScope();
        return _known[(grid, device.type)] = geometry;
    }

    private GridGeometry Compute(PatchGrid grid, Device device)
    {
        var positions = PatchPositions.For(grid, config.SpatialMergeSize);
        var rows = Enumerable.Range(0, grid.Patches).Select(p => positions[2 * p]).ToArray();
        var columns = Enumerable.Range(0, grid.Patches).Select(p => positions[2 * p + 1]).ToArray();
        var perFrame = grid.Rows * grid.Columns;
        var frames = Enumerable.Range(0, grid.Patches).Select(p => p / perFrame).ToArray();

        using var frequencies = Rotary.Frequencies(config.HeadDim / 4, VisionConfig.RopeTheta);
        var byRow = tensor(rows.Select(r => (float)r).ToArray()).unsqueeze(1) * frequencies;          // [N, D/4]
        var byColumn = tensor(columns.Select(c => (float)c).ToArray()).unsqueeze(1) * frequencies;
        var angles = cat([byRow, byColumn], 1).to(device);

        var side = config.WindowSize / config.PatchSize;                                              // patches per window side
        var windows = Enumerable.Range(0, grid.Patches).Select(p => ((long)frames[p] * 4096 + rows[p] / side) * 4096 + columns[p] / side).ToArray();
        var fullBias = grid.Frames == 1 ? null : SameOnly([.. frames.Select(f => (long)f)], device);
        return new GridGeometry(angles.cos(), angles.sin(), fullBias, SameOnly(windows, device));
    }

    private static Tensor SameOnly(long[] group, Device device)
    {
        using var of = tensor(group);
        var differ = of.unsqueeze(0).ne(of.unsqueeze(1));
        return zeros(differ.shape).masked_fill(differ, Constants.MinusInfinity).to(device);
    }
}
