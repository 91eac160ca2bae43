using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vlm.Files;

namespace Vlm.Package;

/// <summary>Size and hash of one file of a package.</summary>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">64 lower-case hexadecimal digits.</param>
public sealed record ModelFile(long Bytes, string Sha256);

/// <summary>Where a package comes from: enough to make it again, and what it was measured to do.</summary>
public sealed record Provenance
{
    /// <summary>The command line that made it.</summary>
    public string? Command { get; init; }

    /// <summary>The training configuration: its file name or its text.</summary>
    public string? Config { get; init; }

    /// <summary>The seed of the training data.</summary>
    public long? Seed { get; init; }

    /// <summary>The commit of this repository that it was made with.</summary>
    public string? Commit { get; init; }

    /// <summary>Measured exact match in [0, 1] by evaluation split, for example <c>clean: 0.998</c>.</summary>
    public IReadOnlyDictionary<string, double> Accuracy { get; init; } = FrozenDictionary<string, double>.Empty;
}

/// <summary><c>manifest.json</c> of a package.</summary>
/// <param name="Format">The version of the package format, 1.</param>
/// <param name="Precision"><c>fp32</c>, <c>fp16</c>, <c>int8</c> or <c>int4</c>.</param>
/// <param name="Files">Every file of the folder itself (not of its sub-folders) but the manifest, by name.</param>
/// <param name="Provenance">Where the package comes from.</param>
public sealed record Manifest(int Format, string Precision, IReadOnlyDictionary<string, ModelFile> Files, Provenance Provenance);

/// <summary>A model package on disk that has been checked against its manifest: every listed file is there, whole and unaltered.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Manifest">What <c>manifest.json</c> says.</param>
public sealed record ModelFolder(string Path, Manifest Manifest)
{
    /// <summary>The version of the package format that this program writes and reads.</summary>
    public const int Format = 1;

    /// <summary>
    /// The calibration of a package, if it has one. It is no part of the package: it says which package it belongs to and can be made again without
    /// sealing the package again.
    /// </summary>
    public const string GateName = "gate.json";

    private const string ManifestName = "manifest.json";
    private static readonly string[] Precisions = ["fp32", "fp16", "int8", "int4"];

    /// <summary>Opens a package and verifies it: sizes first, then the SHA-256 of every file.</summary>
    /// <exception cref="ModelException">The folder or a file is missing, truncated or altered, or the manifest is not understood.</exception>
    public static ModelFolder Open(string path)
    {
        if (!Directory.Exists(path))
            throw new ModelException($"The model folder '{path}' does not exist. Give the folder of a package, for example --model models/cryptogram-edge.");
        var manifest = Read(System.IO.Path.Combine(path, ManifestName));
        foreach (var (name, expected) in manifest.Files) VerifyLength(path, name, expected);
        foreach (var (name, expected) in manifest.Files) VerifyHash(path, name, expected);
        return new ModelFolder(path, manifest);
    }

    /// <summary>Writes <c>manifest.json</c> for the files that lie in a folder now, replacing an older one in one step.</summary>
    /// <param name="path">A folder that holds a whole package.</param>
    /// <param name="precision"><c>fp32</c>, <c>fp16</c>, <c>int8</c> or <c>int4</c>.</param>
    /// <param name="provenance">Where the package comes from.</param>
    /// <returns>The folder as <see cref="Open"/> would return it.</returns>
    /// <exception cref="ModelException">The precision is unknown.</exception>
    public static ModelFolder Seal(string path, string precision, Provenance provenance)
    {
        CheckPrecision(precision, path);
        var files = Directory.EnumerateFiles(path)
            .Where(file => IsPartOfPackage(System.IO.Path.GetFileName(file)))
            .OrderBy(file => file, StringComparer.Ordinal)
            .ToDictionary(file => System.IO.Path.GetFileName(file), file => new ModelFile(LinkedFile.Length(file), Hash(file)));
        var manifest = new Manifest(Format, precision, files, provenance);
        AtomicFile.Write(System.IO.Path.Combine(path, ManifestName), JsonSerializer.Serialize(manifest, ManifestJson.Default.Manifest) + "\n");
        return new ModelFolder(path, manifest);
    }

    /// <summary>
    /// What the package answers with: SHA-256 over precision, names and hashes of its files, 64 lower-case hexadecimal digits. Provenance does not change it.
    /// </summary>
    public string Fingerprint
    {
        get
        {
            var lines = Manifest.Files.Where(file => IsPartOfPackage(file.Key)).OrderBy(file => file.Key, StringComparer.Ordinal)
                .Select(file => $"{file.Value.Sha256.ToLowerInvariant()}  {file.Key}\n");
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Manifest.Precision}\n{string.Concat(lines)}")));
        }
    }

    // Hidden files and half-written ones are not part of what runs.
    private static bool IsPartOfPackage(string name) =>
        name is not (ManifestName or GateName) && !name.StartsWith('.') && !name.EndsWith(AtomicFile.Unfinished, StringComparison.Ordinal);

    private static Manifest Read(string path)
    {
        if (!File.Exists(path))
            throw new ModelException($"'{path}' is missing: this is not a model package. The export command writes one.");
        Manifest manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(File.ReadAllBytes(path), ManifestJson.Default.Manifest)
                ?? throw new ModelException($"'{path}' holds 'null'. Export the package again.");
        }
        catch (JsonException) when (LfsPointer.IsAt(path))
        {
            throw new ModelException($"'{path}' {LfsPointer.Problem}.");
        }
        catch (JsonException e)
        {
            throw new ModelException($"'{path}' is not a manifest: {e.Message} Export the package again.", e);
        }
        if (manifest.Format != Format)
            throw new ModelException($"'{path}' has format {manifest.Format}; this program reads format {Format}. Export the package again.");
        CheckPrecision(manifest.Precision, path);
        if (manifest.Files.Count == 0) throw new ModelException($"'{path}' lists no files. Export the package again.");
        foreach (var name in manifest.Files.Keys)
        {
            if (name.Length == 0 || name != System.IO.Path.GetFileName(name) || name is "." or "..")
                throw new ModelException($"'{path}' lists '{name}', which is not the name of a file in the package's own folder. Do not use this package.");
        }
        return manifest;
    }

    private static void CheckPrecision(string precision, string where)
    {
        if (!Precisions.Contains(precision))
            throw new ModelException($"'{where}': precision '{precision}' is unknown; it is one of {string.Join(", ", Precisions)}.");
    }

    private static void VerifyLength(string folder, string name, ModelFile expected)
    {
        var path = System.IO.Path.Combine(folder, name);
        long length;
        try
        {
            length = LinkedFile.Length(path);
        }
        catch (FileNotFoundException)
        {
            throw new ModelException($"'{path}' is missing. Copy the whole package again.");
        }
        if (length == expected.Bytes) return;
        throw new ModelException(LfsPointer.IsAt(path)
            ? $"'{path}' {LfsPointer.Problem}."
            : $"'{path}' has {length} bytes; the manifest says {expected.Bytes}. Copy the whole package again.");
    }

    private static void VerifyHash(string folder, string name, ModelFile expected)
    {
        var path = System.IO.Path.Combine(folder, name);
        var found = Hash(path);
        if (!string.Equals(found, expected.Sha256, StringComparison.OrdinalIgnoreCase))
        {
            throw new ModelException(
                $"'{path}' has SHA-256 {found}; the manifest says {expected.Sha256}. The file is damaged or was changed: copy or export the package again.");
        }
    }

    private static string Hash(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    WriteIndented = true)]
[JsonSerializable(typeof(Manifest))]
internal sealed partial class ManifestJson : JsonSerializerContext;
