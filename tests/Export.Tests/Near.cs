namespace Vlm.Export.Tests;

internal static class Near
{
    public static void Equal(float[] expected, float[] actual, float tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        var difference = Difference(expected, actual);
        Assert.True(difference <= tolerance, $"The largest difference is {difference}; {tolerance} is allowed.");
    }

    public static float Difference(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        var largest = 0f;
        for (var i = 0; i < expected.Length; i++)
            largest = Math.Max(largest, Math.Abs(expected[i] - actual[i]));
        return float.IsNaN(largest) ? float.PositiveInfinity : largest;
    }
}
