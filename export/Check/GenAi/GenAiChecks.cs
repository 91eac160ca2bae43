using Microsoft.ML.OnnxRuntimeGenAI;
using Vlm.Engine;
using Vlm.Package;
using Vlm.Solving;
using Vlm.Vision;
using GenAiModel = Microsoft.ML.OnnxRuntimeGenAI.Model;
using GenAiTokenizer = Microsoft.ML.OnnxRuntimeGenAI.Tokenizer;
using Generator = Microsoft.ML.OnnxRuntimeGenAI.Generator;
using Tokenizer = Vlm.Text.Tokenizer;

namespace Vlm.Export.Check.GenAi;

/// <summary>
/// Holds a package against the library itself: its loader, its own picture processor and tokenizer, and what its graphs give with our pixels and tokens.
/// </summary>
internal static class GenAiChecks
{
    private const string Section = "GenAI";
    private const int Steps = 24;

    // The library's pixels differ from ours in the last bit. Quantised products round their inputs too, which turns that into 0.07 to 0.20; float16 rounds its
    // own.
    private static readonly Dictionary<string, float> ProcessorTolerance = new() { ["fp32"] = 1e-3f, ["fp16"] = 0.1f, ["int8"] = 0.3f, ["int4"] = 0.3f };

    public static IReadOnlyList<CheckRow> Run(string folder)
    {
        const string Claim = "its loader takes the package";
        try
        {
            using var library = new GenAiModel(folder);
            return [CheckRow.Of(Section, Claim, true, library.GetModelType()), .. OnSamples(library, folder)];
        }
        catch (OnnxRuntimeGenAIException e)
        {
            return [CheckRow.Of(Section, Claim, false, e.Message)];
        }
    }

    private static IEnumerable<CheckRow> OnSamples(GenAiModel library, string folder)
    {
        var samples = Samples(folder);
        if (samples.Count == 0) return [CheckRow.Skip(Section, "answers of its samples", "the package has no samples with a prompt and a tokenizer")];
        return [Bypass(folder, samples), .. OwnProcessor(library, folder, samples)];
    }

    /// <summary>Our pixels and tokens in both engines.</summary>
    private static CheckRow Bypass(string folder, IReadOnlyList<Sample> samples)
    {
        using var ours = Engines.Open(folder, new EngineOptions { Kind = EngineKind.Ort, Threads = 1 });
        using var theirs = Engines.Open(folder, new EngineOptions { Kind = EngineKind.Genai, Threads = 1 });
        var largest = 0f;
        foreach (var sample in samples)
        {
            var (expected, found) = (Reply(ours, sample), Reply(theirs, sample));
            largest = expected.Logits.Zip(found.Logits).Aggregate(largest, (most, step) => Math.Max(most, Difference(step.First, step.Second)));
        }
        return CheckRow.Of(
            Section, $"logits of {Steps} steps with our pixels and tokens are those of ONNX Runtime to the bit", largest == 0,
            $"largest difference {largest:G3} on {samples.Count} samples");
    }

    /// <summary>The library's own way from a file and a text to logits.</summary>
    private static IEnumerable<CheckRow> OwnProcessor(GenAiModel library, string folder, IReadOnlyList<Sample> samples)
    {
        var allowed = ProcessorTolerance[ModelFolder.Open(folder).Manifest.Precision];
        var tokenizer = Tokenizer.Load(Path.Combine(folder, "tokenizer.json"));
        using var theirs = new GenAiTokenizer(library);
        using var ours = Engines.Open(folder, new EngineOptions { Threads = 1 });
        using var processor = new MultiModalProcessor(library);
        List<string> otherIds = [], otherTexts = [];
        var largest = 0f;
        foreach (var sample in samples)
        {
            var (ids, logits) = Read(library, processor, sample, ours.Config.MaxLength);
            if (!ids.SequenceEqual(sample.Ids)) otherIds.Add($"{sample.Name}: {ids.Length} ids, ours are {sample.Ids.Length}");
            var reply = Reply(ours, sample);
            if (theirs.Decode(reply.Tokens) != tokenizer.Decode(reply.Tokens)) otherTexts.Add(sample.Name);
            largest = Math.Max(largest, Difference(reply.Logits[0], logits));
        }
        yield return CheckRow.Of(Section, "its processor makes our tokens of picture and prompt", otherIds, $"{samples.Count} samples");
        yield return CheckRow.Of(Section, "its tokenizer makes our text of a reply", otherTexts, $"{samples.Count} samples");
        yield return CheckRow.Of(
            Section, $"its own pixels give our logits, give or take {allowed}", largest <= allowed,
            $"largest difference {largest:G3} on {samples.Count} samples");
    }

    private static (int[] Ids, float[] Logits) Read(GenAiModel library, MultiModalProcessor processor, Sample sample, int maxLength)
    {
        using var images = Images.Load([sample.Path]);
        using var inputs = processor.ProcessImages(sample.Text, images);
        using var parameters = new GeneratorParams(library);
        parameters.SetSearchOption("max_length", maxLength);
        using var generator = new Generator(library, parameters);
        generator.SetInputs(inputs);
        using var logits = generator.GetOutput("logits");
        var vocabulary = (int)logits.Shape()[^1];
        float[] all = logits.Type() == ElementType.float16
            ? [.. logits.GetData<ushort>().ToArray().Select(bits => (float)BitConverter.UInt16BitsToHalf(bits))]
            : logits.GetData<float>().ToArray();
        return ([.. generator.GetSequence(0)], all[^vocabulary..]);
    }

    /// <summary>The likeliest tokens, and the logits after the prompt and after each of them.</summary>
    private static (int[] Tokens, List<float[]> Logits) Reply(IVisionModel model, Sample sample)
    {
        using var picture = model.Encode(sample.Patches);
        using var decoder = model.Allocate(1);
        decoder.Prefill([Prompt.For(sample.Ids, [picture], model.Config)]);
        List<float[]> logits = [decoder.Logits(0).ToArray()];
        var tokens = new int[Steps];
        for (var step = 0; step < Steps; step++)
        {
            tokens[step] = Sampler.Choose(logits[^1], Sampling.Greedy, draw: 0).Token;
            decoder.Step([tokens[step]]);
            logits.Add(decoder.Logits(0).ToArray());
        }
        return (tokens, logits);
    }

    private static float Difference(float[] one, float[] other) => one.Zip(other, (a, b) => Math.Abs(a - b)).Max();

    private static List<Sample> Samples(string folder)
    {
        if (!File.Exists(Path.Combine(folder, "prompt.json")) || !File.Exists(Path.Combine(folder, "tokenizer.json"))) return [];
        var config = Vlm.Package.PackageConfig.Load(folder);
        var pictures = Vlm.Package.ProcessorConfig.Load(Path.Combine(folder, config.ProcessorFile));
        var template = PromptTemplate.Load(Path.Combine(folder, "prompt.json"));
        var tokenizer = Tokenizer.Load(Path.Combine(folder, "tokenizer.json"));
        // Other kinds of files, and damaged ones, end the process or hang in the library.
        return [.. CheckPrompt.SampleRows(folder).Where(row => Path.GetExtension(row.Picture) is ".png" or ".jpg").Select(row =>
        {
            var path = Path.Combine(folder, "samples", row.Picture);
            var patches = Patches.From(ImageCodec.Decode(File.ReadAllBytes(path)), pictures);
            var ids = tokenizer.Encode(template.Text(row.Code, patches.Grid.MergedTokens(pictures.MergeSize)));
            return new Sample(row.Picture, path, template.Text(row.Code, imageTokens: 1), ids, patches);
        })];
    }

    private sealed record Sample(string Name, string Path, string Text, int[] Ids, Patches Patches);
}
