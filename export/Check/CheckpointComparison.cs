using Vlm.Export.Onnx;
using Vlm.Export.Options;
using Vlm.Export.Package;
using Vlm.Model;
using Vlm.Package;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Export.Check;

/// <summary>A package against exports made afresh from the checkpoint: the same inputs through both, end to end.</summary>
/// <remarks>
/// Against one of the same precision it must agree: else it was made from other weights. Against float32 it shows what the precision costs,
/// which depends on the model and is told, not judged. The continuation is the fresh export's own greedy answer, fed to both, so that one
/// different token does not hide everything after it.
/// </remarks>
internal sealed class CheckpointComparison
{
    private const int TokensMax = 48;

    /// <summary>Share of an output's largest value by which the same weights may differ, on other machines and in other versions of the runtime.</summary>
    private const float SameWeights = 1e-4f;
    private const float SameNarrowWeights = 2e-2f;

    private readonly PackageSessions expected;
    private readonly PackageSessions found;
    private readonly VlmConfig config;
    private readonly string versus;
    private readonly float? share;
    private readonly List<ComparisonRow> differences = [];
    private readonly List<AgreementRow> agreements = [];

    private CheckpointComparison(PackageSessions expected, PackageSessions found, VlmConfig config, (string Versus, float? Share) terms)
    {
        (this.expected, this.found, this.config) = (expected, found, config);
        (versus, share) = terms;
    }

    /// <param name="folder">The package.</param>
    /// <param name="found">Its sessions.</param>
    /// <param name="checkpoint">The checkpoint's folder.</param>
    public static ComparisonReport Run(string folder, PackageSessions found, string checkpoint)
    {
        var own = OwnOptions(folder, found);
        var report = Run(folder, found, checkpoint, own);
        if (own.Precision == Precision.Fp32)
            return report;
        var cost = Run(folder, found, checkpoint, own with { Precision = Precision.Fp32 });
        return new ComparisonReport([.. report.Differences, .. cost.Differences], cost.Agreements);
    }

    private static ComparisonReport Run(string folder, PackageSessions found, string checkpoint, ExportOptions options)
    {
        var own = OwnOptions(folder, found);
        var temporary = Directory.CreateTempSubdirectory("vlm-check-");
        try
        {
            var fresh = Path.Combine(temporary.FullName, options.PrecisionName);
            PackageWriter.Write(checkpoint, fresh, options);
            using var expected = PackageSessions.Open(fresh);
            float? share = options.Precision != own.Precision ? null : own.Precision == Precision.Fp32 ? SameWeights : SameNarrowWeights;
            var comparison = new CheckpointComparison(expected, found, VlmConfig.Load(checkpoint), ($" / fresh {options.PrecisionName}", share));
            CheckPrompt[] prompts =
            [
                CheckPrompt.Made(found),
                .. CheckPrompt.Samples(folder, PictureConfig.Load(Path.Combine(checkpoint, "preprocessor_config.json"))),
            ];
            foreach (var prompt in prompts)
                comparison.Compare(prompt);
            return new ComparisonReport(comparison.differences, comparison.agreements);
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    /// <summary>The options that the package was made with: the manifest has the precision, the graph the rest.</summary>
    private static ExportOptions OwnOptions(string folder, PackageSessions found)
    {
        var product = OnnxFile.Read(Path.Combine(folder, "text.onnx")).Graph.Node.FirstOrDefault(node => node.OpType == "MatMulNBits");
        var block = product?.Attribute.First(each => each.Name == "block_size").I;
        var defaults = new ExportOptions(ExportOptions.ParsePrecision(ModelFolder.Open(folder).Manifest.Precision), AllLogits: !found.IsPruned);
        return block is null ? defaults : defaults with { BlockSize = (int)block };
    }

    private void Compare(CheckPrompt prompt)
    {
        var positions = RopePositions.For(Array.ConvertAll(prompt.Ids, id => (int)id), prompt.Grids, config);
        using var expectedRun = new DecoderRun(expected, 1);
        using var foundRun = new DecoderRun(found, 1);
        Begin(prompt, positions, expectedRun, foundRun);
        var (forced, free) = Continue(prompt, positions, expectedRun, foundRun);
        agreements.Add(new AgreementRow(prompt.Name + versus, "next token, given the same text so far", forced.Count(same => same), forced.Count));
        agreements.Add(new AgreementRow(prompt.Name + versus, "tokens until the greedy answers part", free, forced.Count));
    }

    private void Begin(CheckPrompt prompt, RopePositions positions, DecoderRun expectedRun, DecoderRun foundRun)
    {
        var (expectedFeatures, foundFeatures) = (expected.Features(prompt.Pixels, prompt.GridNumbers), found.Features(prompt.Pixels, prompt.GridNumbers));
        Add(prompt, "image_features", expectedFeatures, foundFeatures);
        var (expectedEmbeds, foundEmbeds) = (expected.Embed(prompt.Ids, 1, expectedFeatures), found.Embed(prompt.Ids, 1, foundFeatures));
        Add(prompt, "inputs_embeds", expectedEmbeds, foundEmbeds);
        expectedRun.Step(expectedEmbeds, Ones(positions.Length), positions.Values);
        foundRun.Step(foundEmbeds, Ones(positions.Length), positions.Values);
        Add(prompt, "logits of the prompt", expectedRun.Outputs["logits"], foundRun.Outputs["logits"]);
        foreach (var name in expectedRun.Outputs.Keys.Intersect(foundRun.Outputs.Keys).Where(name => name != "logits"))
            Add(prompt, name, expectedRun.Outputs[name], foundRun.Outputs[name]);
        foreach (var name in (string[])[$"{expected.Layers - 1}.key", $"{expected.Layers - 1}.value"])
            Add(prompt, $"present.{name}", expectedRun.Cache(name), foundRun.Cache(name));
    }

    private (List<bool> Forced, int Free) Continue(CheckPrompt prompt, RopePositions positions, DecoderRun expectedRun, DecoderRun foundRun)
    {
        var (worst, forced) = (Row(prompt, "logits of the continuation", [], []), new List<bool>());
        var (expectedLogits, foundLogits) = (expectedRun.Outputs["logits"][^expected.Vocabulary..], foundRun.Outputs["logits"][^expected.Vocabulary..]);
        for (var step = 0; step < TokensMax; step++)
        {
            var row = Row(prompt, worst.Output, expectedLogits, foundLogits);
            worst = row.Difference >= worst.Difference ? row : worst;
            var token = Best(expectedLogits);
            forced.Add(Best(foundLogits) == token);
            if (config.EosTokenIds.Contains(token))
                break;
            var (length, place) = (positions.Length + step + 1, positions.Length + step + positions.Delta);
            expectedLogits = Next(expected, expectedRun, token, length, place);
            foundLogits = Next(found, foundRun, token, length, place);
        }

        differences.Add(worst);
        return (forced, forced.TakeWhile(same => same).Count());
    }

    private static float[] Next(PackageSessions sessions, DecoderRun run, int token, int length, long place) =>
        run.Step(sessions.Embed([token], 1, []), Ones(length), [place, place, place]);

    private void Add(CheckPrompt prompt, string output, float[] expectedValues, float[] foundValues) =>
        differences.Add(Row(prompt, output, expectedValues, foundValues));

    private ComparisonRow Row(CheckPrompt prompt, string output, float[] expectedValues, float[] foundValues) =>
        ComparisonRow.Of(prompt.Name + versus, output, expectedValues, foundValues, expectedValues.Length == 0 ? share : share * expectedValues.Max(MathF.Abs));

    public static int Best(ReadOnlySpan<float> row)
    {
        var best = 0;
        for (var i = 1; i < row.Length; i++)
            if (row[i] > row[best])
                best = i;
        return best;
    }

    private static long[] Ones(int count) => [.. Enumerable.Repeat(1L, count)];
}
