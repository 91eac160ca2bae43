namespace Vlm.Trainer.Planning;

/// <summary>
/// Bytes as constant + rows · (linear · tokens + quadratic · tokens²): what a block's tensors must follow, as their sizes are products of these.
/// </summary>
internal readonly record struct ByteCurve(double Constant, double Linear, double Quadratic)
{
    public double At(long rows, long tokens) => Constant + rows * (Linear * tokens + Quadratic * tokens * tokens);

    /// <summary>The curve through three measurements at the same number of rows.</summary>
    public static ByteCurve Through(long rows, (long Tokens, double Bytes)[] points)
    {
        var ((t1, y1), (t2, y2), (t3, y3)) = (points[0], points[1], points[2]);
        var first = (y2 - y1) / (t2 - t1);
        var quadratic = ((y3 - y2) / (t3 - t2) - first) / (t3 - t1);
        var linear = first - quadratic * (t1 + t2);
        return new ByteCurve(y1 - linear * t1 - quadratic * t1 * t1, linear / rows, quadratic / rows);
    }
}

/// <summary>Bytes of the head: constant + places · (base + perWord · vocabulary).</summary>
internal readonly record struct HeadCurve(double Constant, double ConstantPerWord, double PerPlace, double PerPlaceAndWord)
{
    public double At(long places, long vocabulary) => Constant + ConstantPerWord * vocabulary + places * (PerPlace + PerPlaceAndWord * vocabulary);

    /// <summary>The plane through four measurements: two numbers of places by two sizes of the vocabulary.</summary>
    public static HeadCurve Through((long Few, long Many) places, (long Small, long Large) vocabulary, Func<long, long, double> bytes)
    {
        (double Base, double PerPlace) Line(long v)
        {
            var slope = (bytes(places.Many, v) - bytes(places.Few, v)) / (places.Many - places.Few);
            return (bytes(places.Few, v) - slope * places.Few, slope);
        }

        var (small, large) = (Line(vocabulary.Small), Line(vocabulary.Large));
        double width = vocabulary.Large - vocabulary.Small;
        var (perWord, perPlaceAndWord) = ((large.Base - small.Base) / width, (large.PerPlace - small.PerPlace) / width);
        return new HeadCurve(small.Base - perWord * vocabulary.Small, perWord, small.PerPlace - perPlaceAndWord * vocabulary.Small, perPlaceAndWord);
    }
}

/// <summary>What one block costs.</summary>
/// <param name="Kept">Held from its forward pass to the end of the step.</param>
/// <param name="Passing">The most on top of that while the backward pass goes through it.</param>
internal sealed record BlockCost(ByteCurve Kept, ByteCurve Passing);

/// <summary>What every part of a model costs, measured on the real modules.</summary>
/// <param name="PatchEmbedding">Rows are pictures, tokens are patches; so for the next three.</param>
/// <param name="WindowedBlock">A vision block with windows.</param>
/// <param name="FullBlock">A vision block over the whole picture.</param>
/// <param name="Merger">Patches to image tokens.</param>
/// <param name="Inputs">Word embeddings with pictures put in, and the last norm; rows are sequences.</param>
/// <param name="TextLayer">A decoder layer.</param>
internal sealed record ActivationCost(
    BlockCost PatchEmbedding, BlockCost WindowedBlock, BlockCost FullBlock, BlockCost Merger, BlockCost Inputs, BlockCost TextLayer)
{
    /// <summary>Logits to loss, held.</summary>
    public required HeadCurve HeadKept { get; init; }

    /// <summary>Logits to loss, on top in the backward pass.</summary>
    public required HeadCurve HeadPassing { get; init; }
}
