using System.Text.Json;
using Vlm.Statistics;

namespace Vlm.Core.Tests.Statistics;

/// <summary>The 200 answers of the golden statistics and what scipy and scikit-learn say about them.</summary>
internal static class GoldenAnswers
{
    public static JsonElement File { get; } = Golden.Json("statistics/statistics.json");

    public static ScoredAnswer[] All { get; } =
        [.. Numbers("confidence").Zip(Labels, (confidence, isCorrect) => new ScoredAnswer(confidence, isCorrect))];

    public static bool[] Labels => [.. Numbers("correct").Select(value => value == 1)];

    public static double[][] Features => [.. File.GetProperty("features").EnumerateArray().Select(Row)];

    public static double Number(string key) => File.GetProperty(key).GetDouble();

    public static double[] Row(JsonElement list) => [.. list.EnumerateArray().Select(value => value.GetDouble())];

    public static IEnumerable<JsonElement> Cases(string key) => File.GetProperty(key).EnumerateArray();

    private static double[] Numbers(string key) => Row(File.GetProperty(key));
}
