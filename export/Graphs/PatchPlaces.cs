using Vlm.Export.Onnx;
using Vlm.Model;
using static Vlm.Export.Onnx.TensorProto.Types;

namespace Vlm.Export.Graphs;

/// <summary>Where every patch lies, worked out in the graph from the grids [n, 3] of pictures laid one after the other. All [N], int64.</summary>
/// <param name="Patch">0 to N - 1.</param>
/// <param name="Row">Row in its picture, in patches.</param>
/// <param name="Column">Column in its picture, in patches.</param>
/// <param name="Frame">A number that all patches of one frame of one picture share, and no others: full attention.</param>
/// <param name="Window">The same for an attention window.</param>
internal readonly record struct PatchPlaces(Value Patch, Value Row, Value Column, Value Frame, Value Window)
{
    /// <summary>More windows than any picture has in a row or column: room for two window coordinates after a frame's number.</summary>
    private const long WindowsPerSide = 1 << 12;

    public static PatchPlaces Of(OnnxGraph graph, Value pixels, Value grids, VisionConfig config)
    {
        var merge = graph.Scalar((long)config.SpatialMergeSize);
        var perBlock = graph.Scalar((long)config.SpatialMergeSize * config.SpatialMergeSize);
        var patch = graph.Range(graph.Gather(graph.Node("Shape", [pixels]), graph.Scalar(0L)));
        var (inFrame, grid) = InFrame(graph, patch, grids);
        var columns = graph.Gather(grid, graph.Scalar(2L), 1);

        // Inside a frame patches come block by block, and row by row inside a block.
        var block = graph.Div(inFrame, perBlock);
        var inBlock = graph.Mod(inFrame, perBlock);
        var blocksAcross = graph.Div(columns, merge);
        var blockRow = graph.Div(block, blocksAcross);
        var blockColumn = graph.Mod(block, blocksAcross);
        var row = graph.Add(graph.Mul(blockRow, merge), graph.Div(inBlock, merge));
        var column = graph.Add(graph.Mul(blockColumn, merge), graph.Mod(inBlock, merge));

        var side = graph.Scalar((long)config.WindowSize / config.PatchSize / config.SpatialMergeSize);
        var frame = graph.Sub(patch, inFrame); // the frame's first patch
        var windowRow = graph.Add(graph.Mul(frame, graph.Scalar(WindowsPerSide)), graph.Div(blockRow, side));
        var window = graph.Add(graph.Mul(windowRow, graph.Scalar(WindowsPerSide)), graph.Div(blockColumn, side));
        return new PatchPlaces(patch, row, column, frame, window);
    }

    /// <summary>A patch's index inside its frame [N], and its picture's grid [N, 3].</summary>
    private static (Value InFrame, Value Grid) InFrame(OnnxGraph graph, Value patch, Value grids)
    {
        var sizes = graph.Node("ReduceProd", [grids, graph.Vector(1L)], NodeAttribute.Int("keepdims", 0));
        var ends = graph.Node("CumSum", [sizes, graph.Scalar(0L)]);
        var passed = graph.Node("GreaterOrEqual", [graph.Unsqueeze(patch, 1), ends]);
        var picture = graph.Node("ReduceSum", [graph.Cast(passed, DataType.Int64), graph.Vector(1L)], NodeAttribute.Int("keepdims", 0));
        var grid = graph.Gather(grids, picture);
        var inPicture = graph.Sub(patch, graph.Gather(graph.Sub(ends, sizes), picture));
        var frameSize = graph.Mul(graph.Gather(grid, graph.Scalar(1L), 1), graph.Gather(grid, graph.Scalar(2L), 1));
        return (graph.Mod(inPicture, frameSize), grid);
    }
}
