using Vlm.Gating;
using Vlm.Model;
using Vlm.Package;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Core.Tests.Package;

/// <summary>The small files of a checkpoint and a package: whatever happens to one, it is read or refused by its name.</summary>
public sealed class DamagedFilesTests
{
    private static readonly string Package = Golden.Path("genai-reference/package");

    [Fact]
    public void A_damaged_configuration_of_a_model_is_read_or_refused_by_name() =>
        Hold(Path.Combine(Golden.Checkpoint, "config.json"), 500, path => VlmConfig.Load(path));

    [Fact]
    public void A_damaged_configuration_of_pictures_is_read_or_refused_by_name() =>
        Hold(Path.Combine(Golden.Checkpoint, "preprocessor_config.json"), 500, path => PictureConfig.Load(path));

    [Fact]
    public void A_damaged_processor_configuration_is_read_or_refused_by_name() =>
        Hold(Path.Combine(Package, "processor_config.json"), 500, path => ProcessorConfig.Load(path));

    [Fact]
    public void A_damaged_tokenizer_is_read_or_refused_by_name_and_what_was_read_encodes() =>
        Hold(Path.Combine(Package, "tokenizer.json"), 60, path => Tokenizer.Load(path).Encode("a b <|im_start|> \u00e4 \ud83d\ude00"));

    [Fact]
    public void A_damaged_prompt_is_read_or_refused_by_name()
    {
        using var folder = new TempFolder();
        PromptTemplate.Small.Save(folder.File("prompt.json"));
        Hold(folder.File("prompt.json"), 500, path => PromptTemplate.Load(path));
    }

    [Fact]
    public void A_damaged_configuration_of_a_package_is_read_or_refused_by_name()
    {
        using var folder = new TempFolder();
        var good = File.ReadAllBytes(Path.Combine(Package, "genai_config.json"));
        foreach (var bytes in Mutations.Of(good, 400, seed: 3))
        {
            folder.Write("genai_config.json", bytes);
            Refuses("genai_config.json", () => PackageConfig.Load(folder.Path));
        }
    }

    [Fact]
    public void A_damaged_manifest_is_read_or_refused()
    {
        using var folder = new TempFolder();
        folder.Write("a.json", "{}");
        ModelFolder.Seal(folder.Path, "int8", new Provenance());
        foreach (var bytes in Mutations.Of(File.ReadAllBytes(folder.File("manifest.json")), 400, seed: 4))
        {
            folder.Write("manifest.json", bytes);
            Refuses(folder.Path, () => ModelFolder.Open(folder.Path));
        }
    }

    [Fact]
    public void A_damaged_gate_is_read_or_refused_by_name() =>
        Hold(Path.Combine(Repository.Root, "models", "cryptogram-edge", "gate.json"), 400, path => Gate.Load(path));

    private static void Hold(string good, int count, Action<string> read)
    {
        using var folder = new TempFolder();
        foreach (var bytes in Mutations.Of(File.ReadAllBytes(good), count, seed: 6))
            Refuses(Path.GetFileName(good), () => read(folder.Write(Path.GetFileName(good), bytes)));
    }

    private static void Refuses(string name, Action read)
    {
        try
        {
            read();
        }
        catch (Exception error) when (error is CheckpointException or ModelException or GateException or InvalidDataException)
        {
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
        }
    }
}
