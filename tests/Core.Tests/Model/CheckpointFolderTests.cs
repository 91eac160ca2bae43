using Vlm.Model;

namespace Vlm.Core.Tests.Model;

public sealed class CheckpointFolderTests
{
    [Fact]
    public void The_golden_checkpoint_opens_and_gives_its_weights()
    {
        using CheckpointFolder checkpoint = CheckpointFolder.Open(Golden.Checkpoint);

        Assert.Equal(92, checkpoint.Weights.Count);
        Assert.Equal(449_728, checkpoint.Weights.Sum(weight => weight.Shape.Aggregate(1L, (product, size) => product * size)));
        Assert.Empty(checkpoint.UnusedNames);
        Assert.Equal(320 * 64, checkpoint.ReadFloats("model.embed_tokens.weight").Length);
    }

    [Theory]
    [InlineData("model.visual.", "model.language_model.")]
    [InlineData("visual.", "model.")]
    public void Both_generations_of_names_give_the_same_weights(string tower, string decoder)
    {
        using var folder = new TempFolder();
        Rewrite(folder, name => name.StartsWith("visual.", StringComparison.Ordinal) ? tower + name["visual.".Length..] : decoder + name["model.".Length..]);

        using CheckpointFolder renamed = CheckpointFolder.Open(folder.Path);
        using CheckpointFolder original = CheckpointFolder.Open(Golden.Checkpoint);

        foreach (WeightSpec weight in original.Weights)
            Assert.Equal(original.ReadFloats(weight.Name), renamed.ReadFloats(weight.Name));
    }

    [Fact]
    public void Files_that_are_links_are_read_as_what_they_lead_to()
    {
        using var folder = new TempFolder();
        folder.Link(Golden.Checkpoint);

        using CheckpointFolder linked = CheckpointFolder.Open(folder.File("snapshot"));
        using CheckpointFolder original = CheckpointFolder.Open(Golden.Checkpoint);

        foreach (WeightSpec weight in original.Weights)
            Assert.Equal(original.ReadFloats(weight.Name), linked.ReadFloats(weight.Name));
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    public void A_pointer_of_git_LFS_is_called_one(string name)
    {
        using var folder = new TempFolder();
        Rewrite(folder, tensor => tensor);
        folder.Write(name, "version https://git-lfs.github.com/spec/v1\noid sha256:" + new string('0', 64) + "\nsize 123\n");

        string said = Assert.Throws<CheckpointException>(() => CheckpointFolder.Open(folder.Path)).Message;

        Assert.Contains($"{name} is a git-LFS pointer and not the file itself; run 'git lfs pull'", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.norm.weight", 0, float.NaN, "NaN at [0]")]
    [InlineData("model.norm.weight", 63, float.NegativeInfinity, "-Infinity at [63]")]
    [InlineData("model.embed_tokens.weight", (64 * 100) + 9, float.PositiveInfinity, "Infinity at [100, 9]")]
    public void A_weight_that_is_no_number_is_refused_by_its_tensor_and_place(string name, int element, float value, string place)
    {
        using var folder = new TempFolder();
        File.Copy(Path.Combine(Golden.Checkpoint, "config.json"), folder.File("config.json"));
        using (SafeTensors whole = SafeTensors.Open(Path.Combine(Golden.Checkpoint, "model.safetensors")))
        {
            SafeTensors.Write(folder.File("model.safetensors"), whole.Names.Select(tensor =>
            {
                float[] values = whole.ReadFloats(tensor);
                if (tensor == name) values[element] = value;
                return NamedTensor.Floats(tensor, whole.Info(tensor).Shape, values);
            }));
        }

        using CheckpointFolder checkpoint = CheckpointFolder.Open(folder.Path);

        string said = Assert.Throws<CheckpointException>(() => checkpoint.ReadFloats(name)).Message;
        Assert.Contains($"tensor '{name}' holds {place}; weights must be finite", said, StringComparison.Ordinal);
        Assert.Equal(said, Assert.Throws<CheckpointException>(() => checkpoint.ReadFloats(name, element, new float[1])).Message);
        Assert.Equal(said, Assert.Throws<CheckpointException>(() => checkpoint.RequireFinite(name)).Message);
        checkpoint.RequireFinite("visual.merger.ln_q.weight");
    }

    [Fact]
    public void Shards_are_read_through_their_index()
    {
        using var folder = new TempFolder();
        Rewrite(folder, name => name);
        Split(folder, "two.safetensors");

        using CheckpointFolder checkpoint = CheckpointFolder.Open(folder.Path);
        using CheckpointFolder original = CheckpointFolder.Open(Golden.Checkpoint);

        foreach (WeightSpec weight in original.Weights)
        {
            Assert.Equal(original.ReadFloats(weight.Name), checkpoint.ReadFloats(weight.Name));
            var last = new float[1];
            checkpoint.ReadFloats(weight.Name, checkpoint.Info(weight.Name).Count - 1, last);
            Assert.Equal(original.ReadFloats(weight.Name)[^1], last[0]);
        }
    }

    [Theory]
    [InlineData("../two.safetensors")]
    [InlineData("..")]
    [InlineData("")]
    public void An_index_may_not_lead_out_of_its_folder(string file)
    {
        using var folder = new TempFolder();
        Rewrite(folder, name => name);
        Split(folder, "two.safetensors");
        folder.Write("model.safetensors.index.json", $$$"""{"weight_map": {"model.norm.weight": "{{{file}}}"}}""");

        Assert.Contains("a file name in the same folder is needed", Refused(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_shard_is_named()
    {
        using var folder = new TempFolder();
        Rewrite(folder, name => name);
        Split(folder, "two.safetensors");
        File.Delete(folder.File("two.safetensors"));

        Assert.Contains("two.safetensors", Refused(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_and_misshapen_and_wrongly_typed_tensors_are_named_together()
    {
        using var folder = new TempFolder();
        Rewrite(folder, name => name, tensor => tensor.Name switch
        {
            "model.norm.weight" => null,
            "visual.blocks.3.attn.qkv.weight" => tensor with { Info = new TensorInfo(TensorType.F32, [64, 192]) },
            "model.layers.1.self_attn.q_proj.bias" => tensor with { Info = new TensorInfo(TensorType.I32, [64]) },
            _ => tensor,
        });

        string message = Refused(folder);

        Assert.Contains("'model.norm.weight' is missing", message, StringComparison.Ordinal);
        Assert.Contains("'visual.blocks.3.attn.qkv.weight' has shape [64, 192]; the config asks for [192, 64]", message, StringComparison.Ordinal);
        Assert.Contains("'model.layers.1.self_attn.q_proj.bias' holds I32", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_under_both_generations_of_its_name_is_refused()
    {
        using var folder = new TempFolder();
        Rewrite(folder, name => name, extra: NamedTensor.Floats("model.language_model.norm.weight", [64], new float[64]));

        Assert.Contains("'model.norm.weight' twice", Refused(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_without_a_place_is_listed_as_unused()
    {
        using var folder = new TempFolder();
        Rewrite(folder, name => name, extra: NamedTensor.Floats("lm_head.weight", [320, 64], new float[320 * 64]));

        using CheckpointFolder checkpoint = CheckpointFolder.Open(folder.Path);

        Assert.Equal(["lm_head.weight"], checkpoint.UnusedNames);
    }

    [Fact]
    public void A_truncated_weight_file_is_refused()
    {
        using var folder = new TempFolder();
        Rewrite(folder, name => name);
        using (FileStream file = File.OpenWrite(folder.File("model.safetensors")))
            file.SetLength(file.Length / 2);

        Assert.Contains("is the download complete?", Refused(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_weights_or_that_is_none_says_what_to_give()
    {
        using var folder = new TempFolder();
        File.Copy(Path.Combine(Golden.Checkpoint, "config.json"), folder.File("config.json"));

        Assert.Contains("neither model.safetensors nor", Refused(folder), StringComparison.Ordinal);
        Assert.Contains("There is no folder", Assert.Throws<CheckpointException>(() => CheckpointFolder.Open(folder.File("none"))).Message,
            StringComparison.Ordinal);
    }

    private static string Refused(TempFolder folder) => Assert.Throws<CheckpointException>(() => CheckpointFolder.Open(folder.Path)).Message;

    /// <summary>A copy of the golden checkpoint with other names, without or with changed tensors, or with one more.</summary>
    private static void Rewrite(TempFolder folder, Func<string, string> rename, Func<NamedTensor, NamedTensor?>? change = null, NamedTensor? extra = null)
    {
        File.Copy(Path.Combine(Golden.Checkpoint, "config.json"), folder.File("config.json"));
        using SafeTensors source = SafeTensors.Open(Path.Combine(Golden.Checkpoint, "model.safetensors"));
        var tensors = source.Names
            .Select(name => NamedTensor.Bytes(rename(name), source.Info(name), source.ReadBytes(name)))
            .Select(tensor => change is null ? tensor : change(tensor))
            .Append(extra);
        SafeTensors.Write(folder.File("model.safetensors"), tensors.OfType<NamedTensor>());
    }

    private static void Split(TempFolder folder, string second)
    {
        using (SafeTensors whole = SafeTensors.Open(folder.File("model.safetensors")))
        {
            NamedTensor[] all = [.. whole.Names.Select(name => NamedTensor.Bytes(name, whole.Info(name), whole.ReadBytes(name)))];
            SafeTensors.Write(folder.File("one.safetensors"), all[..40]);
            SafeTensors.Write(folder.File(second), all[40..]);
            string map = string.Join(", ", all.Index().Select(each => $"\"{each.Item.Name}\": \"{(each.Index < 40 ? "one.safetensors" : second)}\""));
            folder.Write("model.safetensors.index.json", $$"""{"metadata": {"total_size": 1}, "weight_map": { {{map}} } }""");
        }
        File.Delete(folder.File("model.safetensors"));
    }
}
