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
/// which depends on the model and is reported, not judged. The continuation is the fresh export's own greedy answer, fed to both, so that one
/// different token does not hide everything after it.
/// </remarks>
internal sealed class CheckpointComparison
{
    private const int TokensMax = 48;

    /// <summary>Share of an output's largest value by which the same weights may differ, on other machines and in other versions of the runtime.</summary>
    private const float SameWeights = 1e-4f;
    private const float SameNarrowWeights = 2e-2f;

    private readonly PlainSessions _expected;
    private readonly PlainSessions _found;
    private readonly VlmConfig _config;
    private readonly string _versus;
    private readonly float? _share;
    private readonly List<ComparisonRow> _differences = [];
    private readonly List<AgreementRow> _agreements = [];

    private CheckpointComparison(PlainSessions expected, PlainSessions found, VlmConfig config, (string Versus, float? Share) terms)
    {
        (_expected, _found, _config) = (expected, found, config);
        (_versus, _share) = terms;
    }

    /// <param name="folder">The package.</param>
    /// <param name="found">Its sessions.</param>
    /// <param name="checkpoint">The checkpoint's folder.</param>
    public static ComparisonReport Run(string folder, PlainSessions found, string checkpoint)
    {
        var own = OwnOptions(folder, found);
        var report = Run(folder, found, checkpoint, own);
        if (own.Precision == Precision.Fp32) return report;
        var cost = Run(folder, found, checkpoint, own with { Precision = Precision.Fp32 });
        return new ComparisonReport([.. report.Differences, .. cost.Differences], cost.Agreements);
    }

    private static ComparisonReport Run(string folder, PlainSessions found, string checkpoint, ExportOptions options)
    {
        var own = OwnOptions(folder, found);
        var temporary = Directory.CreateTempSubdirectory("vlm-check-");
        try
        {
            var fresh = Path.Combine(temporary.FullName, options.PrecisionName);
            PackageWriter.Write(checkpoint, fresh, options);
            using var expected = PlainSessions.Open(fresh);
            float? share = options.Precision != own.Precision ? null : own.Precision == Precision.Fp32 ? SameWeights : SameNarrowWeights;
            var comparison = new CheckpointComparison(expected, found, VlmConfig.Load(checkpoint), ($" / fresh {options.PrecisionName}", share));
            CheckPrompt[] prompts =
            [
                CheckPrompt.Made(found),
                .. CheckPrompt.Samples(folder, PictureConfig.Load(Path.Combine(checkpoint, "preprocessor_config.json"))),
            ];
            foreach (var prompt in prompts)
                comparison.Compare(prompt);
            return new ComparisonReport(comparison._differences, comparison._agreements);
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    /// <summary>The options that the package was made with: the manifest has the precision, the graph the rest.</summary>
    private static ExportOptions OwnOptions(string folder, PlainSessions found)
    {
        var product = OnnxFile.Read(Path.Combine(folder, "text.onnx")).Graph.Node.FirstOrDefault(node => node.OpType == "MatMulNBits");
        var block = product?.Attribute.First(each => each.Name == "block_size").I;
        var defaults = new ExportOptions(ExportOptions.ParsePrecision(ModelFolder.Open(folder).Manifest.Precision), AllLogits: !found.IsPruned);
        return block is null ? defaults : defaults with { BlockSize = (int)block };
    }

    private void Compare(CheckPrompt prompt)
    {
        var positions = RopePositions.For(Array.ConvertAll(prompt.Ids, id => (int)id), prompt.Grids, _config);
        using var expectedRun = new DecoderRun(_expected, 1);
        using var foundRun = new DecoderRun(_found, 1);
        Begin(prompt, positions, expectedRun, foundRun);
        var (forced, free) = Continue(prompt, positions, expectedRun, foundRun);
        _agreements.Add(new AgreementRow(prompt.Name + _versus, "next token, given the same text so far", forced.Count(same => same), forced.Count));
        _agreements.Add(new AgreementRow(prompt.Name + _versus, "tokens until the greedy answers part", free, forced.Count));
    }

    private void Begin(CheckPrompt prompt, RopePositions positions, DecoderRun expectedRun, DecoderRun foundRun)
    {
        var (expectedFeatures, foundFeatures) = (_expected.Features(prompt.Pixels, prompt.GridNumbers), _found.Features(prompt.Pixels, prompt.GridNumbers));
        Add(prompt, "image_features", expectedFeatures, foundFeatures);
        var (expectedEmbeds, foundEmbeds) = (_expected.Embed(prompt.Ids, 1, expectedFeatures), _found.Embed(prompt.Ids, 1, foundFeatures));
        Add(prompt, "inputs_embeds", expectedEmbeds, foundEmbeds);
        expectedRun.Step(expectedEmbeds, Ones(positions.Length), positions.Values);
        foundRun.Step(foundEmbeds, Ones(positions.Length), positions.Values);
        Add(prompt, "logits of the prompt", expectedRun.Outputs["logits"], foundRun.Outputs["logits"]);
        foreach (var name in expectedRun.Outputs.Keys.Intersect(foundRun.Outputs.Keys).Where(name => name != "logits"))
            Add(prompt, name, expectedRun.Outputs[name], foundRun.Outputs[name]);
        foreach (var name in (string[])[$"{_expected.Layers - 1}.key", $"{_expected.Layers - 1}.value"])
            Add(prompt, $"present.{name}", expectedRun.Cache(name), foundRun.Cache(name));
    }

    private (List<bool> Forced, int Free) Continue(CheckPrompt prompt, RopePositions positions, DecoderRun expectedRun, DecoderRun foundRun)
    {
        var (worst, forced) = (Row(prompt, "logits of the continuation", [], []), new List<bool>());
        var (expectedLogits, foundLogits) = (expectedRun.Outputs["logits"][^_expected.Vocabulary..], foundRun.Outputs["logits"][^_expected.Vocabulary..]);
        for (var step = 0; step < TokensMax; step++)
        {
            var row = Row(prompt, worst.Output, expectedLogits, foundLogits);
            worst = row.Difference >= worst.Difference ? row : worst;
            var token = Best(expectedLogits);
            forced.Add(Best(foundLogits) == token);
            if (_config.EosTokenIds.Contains(token)) break;
            var (length, place) = (positions.Length + step + 1, positions.Length + step + positions.Delta);
            expectedLogits = Next(_expected, expectedRun, token, length, place);
            foundLogits = Next(_found, foundRun, token, length, place);
        }

        _differences.Add(worst);
        return (forced, forced.TakeWhile(same => same).Count());
    }

    private static float[] Next(PlainSessions sessions, DecoderRun run, int token, int length, long place) =>
        run.Step(sessions.Embed([token], 1, []), Ones(length), [place, place, place]);

    private void Add(CheckPrompt prompt, string output, float[] expectedValues, float[] foundValues) =>
        _differences.Add(Row(prompt, output, expectedValues, foundValues));

    private ComparisonRow Row(CheckPrompt prompt, string output, float[] expectedValues, float[] foundValues)
    {
        var allowed = expectedValues.Length == 0 ? _share : _share * expectedValues.Max(MathF.Abs);
        return ComparisonRow.Of(prompt.Name + _versus, output, expectedValues, foundValues, allowed);
    }

    public static int Best(ReadOnlySpan<float> row)
    {
        var best = 0;
        for (var i = 1; i < row.Length; i++)
            if (row[i] > row[best]) best = i;
        return best;
    }

    private static long[] Ones(int count) => [.. Enumerable.Repeat(1L, count)];
}

