using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Core.Tests.Solving;

public sealed class GazeTests
{
    [Fact]
    public void The_letters_lie_between_the_outermost_blocks_that_were_clearly_looked_at()
    {
        // 2 rows of 4 blocks: columns 1 and 3 of the first row, column 2 of the second; the look at the last block is not clear.
        var area = Gaze.Over([Look(1, 0.9f), Look(3, 0.4f), Look(6, 0.5f), Look(4, 0.2f)], 2, 4);
        Assert.Equal(new PictureArea(1.5 / 4, 0.25, 3.5 / 4, 0.75), area);
    }

    [Fact]
    public void Without_a_clear_look_nothing_is_known()
    {
        Assert.Null(Gaze.Over([], 2, 4));
        Assert.Null(Gaze.Over([Look(1, 0.2f)], 2, 4));
    }

    private static float[] Look(int block, float weight)
    {
        var weights = new float[8];
        Array.Fill(weights, (1 - weight) / 7);
        weights[block] = weight;
        return weights;
    }
}
