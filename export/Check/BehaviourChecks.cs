using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Vlm.Export.Check;

/// <summary>The graphs at work: what GenAI relies on without saying so.</summary>
internal static class BehaviourChecks
{
    /// <summary>Two ways of computing the same thing differ by rounding only; the share of the largest value that it may come to.</summary>
    private const float Float32Share = 1e-4f;
    private const float Float16Share = 2e-2f;

    /// <summary>Activations are rounded to 8 bits: a difference in the last bit of one now and then moves it by a whole step.</summary>
    private const float QuantizedShare = 0.1f;

    public static IReadOnlyList<CheckRow> Run(PlainSessions sessions)
    {
        var prompt = CheckPrompt.Made(sessions);
        return
        [
            Try("embedding.onnx", "no features, one token, also the image token: its word embedding", found => ImageTokenWithoutFeatures(found, sessions)),
            Try("vision.onnx", "two pictures of unequal size together = one by one", found => PicturesTogether(found, sessions, prompt)),
            Try("text.onnx", "the prompt, then one token = all in one call", found => StepByStep(found, sessions, prompt, null)),
            Try("text.onnx", "one shared buffer of keys and values = a growing cache", found => StepByStep(found, sessions, prompt, prompt.Ids.Length + 3)),
        ];
    }

    private delegate CheckRow Row(bool holds, string found);

    /// <summary>A graph that throws has failed the check, not ended it.</summary>
    private static CheckRow Try(string section, string claim, Func<Row, CheckRow> check)
    {
        try
        {
            return check((holds, found) => CheckRow.Of(section, claim, holds, found));
        }
        catch (OnnxRuntimeException e)
        {
            return CheckRow.Of(section, claim, false, e.Message);
        }
    }

    /// <summary>A model may generate the image token itself; while generating there are no features.</summary>
    private static CheckRow ImageTokenWithoutFeatures(Row row, PlainSessions sessions)
    {
        var image = sessions.Embed([sessions.Config.ImageToken], 1, []);
        var pair = sessions.Embed([sessions.Config.VisionStartToken, sessions.Config.ImageToken], 1, []);
        var difference = Difference(image, pair.AsSpan(sessions.Width));
        return row(difference == 0 && image.Any(value => value != 0), $"difference {difference}");
    }

    private static CheckRow PicturesTogether(Row row, PlainSessions sessions, CheckPrompt prompt) =>
        Same(row, sessions, FeaturesOneByOne(sessions, prompt), sessions.Features(prompt.Pixels, prompt.GridNumbers));

    private static CheckRow StepByStep(Row row, PlainSessions sessions, CheckPrompt prompt, int? buffer)
    {
        var tokens = prompt.Ids.Length;
        var embeds = sessions.Embed(prompt.Ids, 1, FeaturesOneByOne(sessions, prompt));
        using var whole = new DecoderRun(sessions, 1);
        whole.Step(embeds, Ones(tokens), Rising(0, tokens));
        using var steps = new DecoderRun(sessions, 1, buffer);
        steps.Step(embeds[..^sessions.Width], Ones(tokens - 1), Rising(0, tokens - 1));
        var last = steps.Step(embeds[^sessions.Width..], Ones(tokens), Rising(tokens - 1, 1));
        return Same(row, sessions, whole.Outputs["logits"][^sessions.Vocabulary..], last);
    }

    private static float[] FeaturesOneByOne(PlainSessions sessions, CheckPrompt prompt)
    {
        var features = new List<float>();
        var done = 0;
        foreach (var grid in prompt.Grids)
        {
            var pixels = prompt.Pixels.AsSpan(done * sessions.PatchLength, grid.Patches * sessions.PatchLength).ToArray();
            features.AddRange(sessions.Features(pixels, grid.Frames, grid.Rows, grid.Columns));
            done += grid.Patches;
        }

        return [.. features];
    }

    private static CheckRow Same(Row row, PlainSessions sessions, float[] expected, float[] found)
    {
        var difference = expected.Length == found.Length ? Difference(expected, found) : float.PositiveInfinity;
        var allowed = Share(sessions) * expected.Max(MathF.Abs);
        return row(difference <= allowed, $"largest difference {difference:G3} (allowed {allowed:G3})");
    }

    private static float Share(PlainSessions sessions) => (sessions.IsQuantized, sessions.Text.InputMetadata["inputs_embeds"].ElementDataType) switch
    {
        (true, _) => QuantizedShare,
        (_, TensorElementType.Float16) => Float16Share,
        _ => Float32Share,
    };

    /// <summary>The largest distance of two values at the same place; infinite when one is not a number.</summary>
    public static float Difference(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var largest = 0f;
        for (var i = 0; i < a.Length; i++)
        {
            var difference = Math.Abs(a[i] - b[i]);
            if (!(difference <= largest)) largest = float.IsNaN(difference) ? float.PositiveInfinity : difference;
        }

        return largest;
    }

    private static long[] Ones(int count) => [.. Enumerable.Repeat(1L, count)];

    private static long[] Rising(int first, int count)
    {
        long[] plane = [.. Enumerable.Range(first, count).Select(i => (long)i)];
        return [.. plane, .. plane, .. plane];
    }
}
