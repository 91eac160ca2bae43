using System.Text.Json;
using Vlm.Engine;
using Vlm.Package;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Core.Tests.Engine;

/// <summary>The package that other tools made, and what they got from it.</summary>
internal static class ReferencePackage
{
    public static string Golden { get; } = Repository.Golden("genai-reference");

    public static string Package { get; } = Path.Combine(Golden, "package");

    private static readonly JsonDocument Expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Golden, "expected.json")));

    public static IReadOnlyList<ReferenceCase> Cases { get; } = [.. Expected.RootElement.GetProperty("cases").EnumerateArray().Select(Read)];

    public static IReadOnlyDictionary<string, ReferenceCase> Int4 { get; } =
        Expected.RootElement.GetProperty("int4_cases").EnumerateArray().Select(Read).ToDictionary(item => item.Name);

    public static ReferenceCase Case(string name) => Cases.Single(item => item.Name == name);

    public static IReadOnlyList<Generation>[] Generate(IDecoder decoder, IReadOnlyList<Prompt> prompts, GenerationOptions options) =>
        Generator.Generate(decoder, prompts, options, TestContext.Current.CancellationToken);

    public static GenerationOptions Greedy(int tokens, int samples = 1) => new() { MaxTokens = tokens, StopTokens = [305], Samples = samples };

    public static IVisionModel Open(int threads = 1) => Engines.Open(Package, new EngineOptions { Threads = threads });

    /// <summary>A copy of the package with the int4 decoder in place of the float32 one.</summary>
    public static void CopyInt4(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(Package)) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Golden, "int4-decoder")))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
    }

    public static Patches Patches(string picture) =>
        Vlm.Vision.Patches.From(
            ImageCodec.Decode(File.ReadAllBytes(Path.Combine(Golden, picture))),
            ProcessorConfig.Load(Path.Combine(Package, "processor_config.json")));

    private static ReferenceCase Read(JsonElement item) => new(
        item.GetProperty("name").GetString()!,
        item.TryGetProperty("pictures", out var pictures) ? [.. pictures.EnumerateArray().Select(picture => picture.GetString()!)] : [],
        item.TryGetProperty("ids", out var ids) ? [.. ids.EnumerateArray().Select(id => id.GetInt32())] : [],
        [.. item.GetProperty("tokens").EnumerateArray().Select(id => id.GetInt32())],
        [.. item.GetProperty("logprobs").EnumerateArray().Select(value => value.GetDouble())])
    {
        FirstLogits = item.TryGetProperty("first_logits", out var logits) ? [.. logits.EnumerateArray().Select(value => value.GetSingle())] : [],
        Stop = item.TryGetProperty("stop", out var stop) ? stop.GetString()! : "length",
        SmallestGap = item.GetProperty("smallest_gap").GetDouble(),
    };
}

/// <summary>One case of the reference.</summary>
internal sealed record ReferenceCase(string Name, string[] Pictures, int[] Ids, int[] Tokens, double[] LogProbabilities)
{
    public required float[] FirstLogits { get; init; }

    public required string Stop { get; init; }

    public required double SmallestGap { get; init; }
}

/// <summary>A prompt together with the pictures that it owns.</summary>
internal sealed class ReferencePrompt : IDisposable
{
    public ReferencePrompt(IVisionModel vlm, ReferenceCase item)
    {
        Pictures = [.. item.Pictures.Select(picture => vlm.Encode(ReferencePackage.Patches(picture)))];
        Prompt = Prompt.For(item.Ids, Pictures, vlm.Config);
    }

    public EncodedPicture[] Pictures { get; }

    public Prompt Prompt { get; }

    public void Dispose()
    {
        foreach (var picture in Pictures) picture.Dispose();
    }
}
