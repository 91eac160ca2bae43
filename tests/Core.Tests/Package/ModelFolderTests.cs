using Vlm.Package;

namespace Vlm.Core.Tests.Package;

/// <summary>A package opens whole and unaltered, or not at all, with one error that says why.</summary>
public sealed class ModelFolderTests
{
    [Fact]
    public void A_sealed_folder_opens_with_what_was_written()
    {
        using var folder = Package();
        var provenance = new Provenance { Command = "train a", Seed = 7, Commit = "abc", Accuracy = new Dictionary<string, double> { ["clean"] = 0.998 } };
        ModelFolder.Seal(folder.Path, "int8", provenance);

        var opened = ModelFolder.Open(folder.Path).Manifest;

        Assert.Equal((1, "int8", "train a", 7L, "abc"),
            (opened.Format, opened.Precision, opened.Provenance.Command, opened.Provenance.Seed, opened.Provenance.Commit));
        Assert.Equal(0.998, opened.Provenance.Accuracy["clean"]);
        Assert.Equal(["a.onnx", "b.json"], opened.Files.Keys);
        // The SHA-256 of "abc", from FIPS 180-2.
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", opened.Files["a.onnx"].Sha256);
        Assert.False(File.Exists(folder.File("manifest.json.tmp")));
    }

    [Fact]
    public void What_lies_beside_the_package_and_is_not_listed_does_not_matter()
    {
        using var folder = Sealed();
        File.WriteAllText(folder.File("notes.txt"), "mine");
        Directory.CreateDirectory(folder.File("checkpoint"));
        ModelFolder.Open(folder.Path);
    }

    [Fact]
    public void A_package_whose_files_are_links_opens()
    {
        using var folder = Sealed();
        using var linked = new TempFolder();
        linked.Link(folder.Path);
        Assert.Equal(ModelFolder.Open(folder.Path).Fingerprint, ModelFolder.Open(linked.File("snapshot")).Fingerprint);
        Assert.Equal(3, ModelFolder.Seal(linked.File("snapshot"), "int8", new Provenance()).Manifest.Files["a.onnx"].Bytes);
        File.Delete(linked.File("blobs/0"));
        File.Delete(linked.File("blobs/1"));
        Assert.Contains("is missing", Assert.Throws<ModelException>(() => ModelFolder.Open(linked.File("snapshot"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.onnx")]
    [InlineData("manifest.json")]
    public void A_pointer_of_git_LFS_is_called_one(string name)
    {
        using var folder = Sealed();
        folder.Write(name, "version https://git-lfs.github.com/spec/v1\noid sha256:" + new string('0', 64) + "\nsize 123\n");
        Assert.Contains($"{name}' is a git-LFS pointer", Assert.Throws<ModelException>(() => ModelFolder.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("missing", "is missing")]
    [InlineData("truncated", "has 2 bytes; the manifest says 3")]
    [InlineData("changed", "has SHA-256")]
    [InlineData("no manifest", "not a model package")]
    [InlineData("half a manifest", "is not a manifest")]
    [InlineData("an empty manifest", "is not a manifest")]
    [InlineData("another format", "has format 2")]
    [InlineData("another precision", "precision 'int3' is unknown")]
    [InlineData("an unknown member", "is not a manifest")]
    [InlineData("a file elsewhere", "not the name of a file in the package's own folder")]
    public void A_damaged_package_is_refused(string damage, string message)
    {
        using var folder = Sealed();
        Damage(folder, damage);
        var error = Assert.Throws<ModelException>(() => ModelFolder.Open(folder.Path));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_not_there_and_an_unknown_precision_are_refused()
    {
        using var folder = Package();
        Assert.Contains("does not exist", Assert.Throws<ModelException>(() => ModelFolder.Open(folder.File("none"))).Message, StringComparison.Ordinal);
        Assert.Contains("'fp12' is unknown", Assert.Throws<ModelException>(() => ModelFolder.Seal(folder.Path, "fp12", new Provenance())).Message,
            StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("manifest.json")));
    }

    private static void Damage(TempFolder folder, string damage)
    {
        var (file, manifest) = (folder.File("a.onnx"), folder.File("manifest.json"));
        var text = File.ReadAllText(manifest);
        switch (damage)
        {
            case "missing": File.Delete(file); break;
            case "truncated": File.WriteAllText(file, "ab"); break;
            case "changed": File.WriteAllText(file, "abd"); break;
            case "no manifest": File.Delete(manifest); break;
            case "half a manifest": File.WriteAllText(manifest, text[..(text.Length / 2)]); break;
            case "an empty manifest": File.WriteAllText(manifest, "{}"); break;
            case "another format": File.WriteAllText(manifest, text.Replace("\"format\": 1", "\"format\": 2", StringComparison.Ordinal)); break;
            case "another precision": File.WriteAllText(manifest, text.Replace("fp32", "int3", StringComparison.Ordinal)); break;
            case "an unknown member":
                File.WriteAllText(manifest, text.Replace("\"precision\"", "\"colour\": 1, \"precision\"", StringComparison.Ordinal));
                break;
            case "a file elsewhere": File.WriteAllText(manifest, text.Replace("a.onnx", "../a.onnx", StringComparison.Ordinal)); break;
            default: throw new ArgumentOutOfRangeException(nameof(damage), damage, "No such damage.");
        }
    }

    private static TempFolder Sealed()
    {
        var folder = Package();
        ModelFolder.Seal(folder.Path, "fp32", new Provenance());
        return folder;
    }

    private static TempFolder Package()
    {
        var folder = new TempFolder();
        File.WriteAllText(folder.File("a.onnx"), "abc");
        File.WriteAllText(folder.File("b.json"), "{}");
        return folder;
    }
}
