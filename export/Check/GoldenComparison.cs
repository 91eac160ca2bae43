using System.Text.Json;
using Vlm.Model;

namespace Vlm.Export.Check;

/// <summary>
/// A package against what the reference implementation computed for its checkpoint, where that lies beside it: <c>golden.json</c> and
/// <c>golden.safetensors</c>.
/// </summary>
/// <remarks>Only a float32 package can keep the tolerances, so only that is compared.</remarks>
internal static class GoldenComparison
{
    private const float FeatureTolerance = 5e-5f;
    private const float LogitTolerance = 1e-4f;

    /// <summary>The golden files in the checkpoint's folder or the one above it; null when there are none.</summary>
    public static string? Find(string checkpoint) => new[] { checkpoint, Path.Combine(checkpoint, "..") }
        .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "golden.safetensors")) && File.Exists(Path.Combine(folder, "golden.json")));

    public static ComparisonReport Run(string goldenFolder, PlainSessions sessions)
    {
        using var tensors = SafeTensors.Open(Path.Combine(goldenFolder, "golden.safetensors"));
        using var list = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(goldenFolder, "golden.json")));
        var differences = new List<ComparisonRow>();
        foreach (var each in list.RootElement.GetProperty("cases").EnumerateArray())
        {
            string[] pictures = [.. each.GetProperty("pictures").EnumerateArray().Select(picture => picture.GetString()!)];
            differences.AddRange(Case(each.GetProperty("name").GetString()!, pictures, tensors, sessions));
        }

        return new ComparisonReport(differences, []);
    }

    private static IEnumerable<ComparisonRow> Case(string name, string[] pictures, SafeTensors golden, PlainSessions sessions)
    {
        float[] features = [];
        if (pictures.Length > 0)
        {
            features = sessions.Features(
                [.. pictures.SelectMany(picture => golden.ReadFloats("pixel_values." + picture))],
                [.. pictures.SelectMany(picture => golden.ReadLongs("grid." + picture))]);
            float[] expected = [.. pictures.SelectMany(picture => golden.ReadFloats("vision." + picture))];
            yield return ComparisonRow.Of($"golden {name}", "image_features", expected, features, FeatureTolerance);
        }

        var ids = golden.ReadLongs("ids." + name);
        using var run = new DecoderRun(sessions, 1);
        var logits = run.Step(sessions.Embed(ids, 1, features), [.. ids.Select(_ => 1L)], golden.ReadLongs("positions." + name));
        var wanted = golden.ReadFloats("logits." + name);
        yield return ComparisonRow.Of($"golden {name}", "logits", sessions.IsPruned ? wanted[^sessions.Vocabulary..] : wanted, logits, LogitTolerance);
    }
}
