using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vlm.Export.Options;
using Vlm.Model;
using Vlm.Package;

namespace Vlm.Export.Package;

/// <summary>Where a package comes from: what training left in the checkpoint folder, or at least which configuration it has.</summary>
internal static class PackageProvenance
{
    public const string FileName = "provenance.json";

    /// <exception cref="CheckpointException">There is a provenance file, but it is not understood.</exception>
    public static Provenance Of(string checkpointFolder, ExportOptions options)
    {
        var path = Path.Combine(checkpointFolder, FileName);
        if (File.Exists(path)) return Read(path);
        var config = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(checkpointFolder, "config.json"))));
        return new Provenance { Command = $"export --precision {options.PrecisionName}", Config = $"config.json sha256 {config}" };
    }

    private static Provenance Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), ProvenanceJson.Default.Provenance)
                ?? throw new CheckpointException($"'{path}' holds 'null'. Remove it, or let training write it again.");
        }
        catch (JsonException e)
        {
            throw new CheckpointException($"'{path}' is not a provenance file: {e.Message} Remove it, or let training write it again.", e);
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(Provenance))]
internal sealed partial class ProvenanceJson : JsonSerializerContext;
