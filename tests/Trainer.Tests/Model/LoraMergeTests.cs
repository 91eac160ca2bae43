using System.Runtime.InteropServices;
using Vlm.Model;
using Vlm.Trainer.Commands;
using Vlm.Trainer.Model;

namespace Vlm.Trainer.Tests.Model;

/// <summary>What merging refuses, and that it touches nothing but its target.</summary>
public sealed class LoraMergeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("merge").FullName;

    private string Base => field ??= TinyCheckpoint.Write(At("base"));

    [Theory]
    [InlineData("adapter-nan", "layers.0.self_attn.q_proj.lora_", "holds NaN at [")]
    [InlineData("adapter-pissa", "init_lora_weights is \"pissa\"", "belongs to a base that its beginning changed")]
    [InlineData("adapter-olora", "init_lora_weights is \"olora\"", "belongs to a base that its beginning changed")]
    [InlineData("adapter-rslora-text", "use_rslora is \"true\"", "true or false is needed")]
    [InlineData("adapter-same-layer-twice", "'model.layers.0.self_attn.q_proj' is there more than once", "model.language_model.layers.0")]
    public void An_adapter_that_would_silently_be_wrong_is_refused_by_what_is_wrong_and_nothing_is_left(string adapter, string what, string more)
    {
        var said = Assert.Throws<CheckpointException>(() => LoraMerge.Write(Base, Repository.Golden($"field/{adapter}"), At("merged"))).Message;
        Assert.Contains(what, said, StringComparison.Ordinal);
        Assert.Contains(more, said, StringComparison.Ordinal);
        Assert.Equal([At("base")], Directory.EnumerateFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData("\"corda\""), InlineData("\"loftq\""), InlineData("\"pissa_niter_16\""), InlineData("\"lora_ga\""), InlineData("\"some future way\""),
        InlineData("7")]
    public void Every_way_to_begin_that_is_not_known_to_leave_the_base_as_it_was_is_refused(string start)
        => Assert.Contains(
            $"init_lora_weights is {start}", Refused("\"init_lora_weights\": true", $"\"init_lora_weights\": {start}"), StringComparison.Ordinal);

    [Theory]
    [InlineData("true"), InlineData("false"), InlineData("null"), InlineData("\"gaussian\""), InlineData("\"eva\""), InlineData("\"orthogonal\"")]
    public void A_way_to_begin_that_leaves_the_base_as_it_was_is_taken(string start)
        => Assert.Equal(1, LoraMerge.Write(Base, Changed("\"init_lora_weights\": true", $"\"init_lora_weights\": {start}"), At("merged")));

    [Theory]
    [InlineData("\"r\": 4", "\"r\": \"4\"", "r is \"4\"; a number is needed")]
    [InlineData("\"lora_alpha\": 8", "\"lora_alpha\": \"8\"", "lora_alpha is \"8\"; a number is needed")]
    [InlineData("\"use_dora\": false", "\"use_dora\": \"false\"", "'use_dora' is \"false\"")]
    [InlineData("\"bias\": \"none\"", "\"bias\": 0", "bias is 0")]
    [InlineData("\"peft_type\": \"LORA\"", "\"peft_type\": 1", "peft_type must be 'LORA'")]
    public void An_option_of_another_kind_is_refused_by_name(string option, string instead, string what)
        => Assert.Contains(what, Refused(option, instead), StringComparison.Ordinal);

    [Theory]
    [InlineData("model.norm.weight", float.NaN), InlineData("model.layers.0.self_attn.q_proj.weight", float.PositiveInfinity)]
    public void A_base_that_is_not_finite_is_refused_by_the_tensor_and_nothing_is_left(string tensor, float value)
    {
        Spoil(tensor, 5, value);
        var said = Assert.Throws<CheckpointException>(() => LoraMerge.Write(Base, Changed("", ""), At("merged"))).Message;
        Assert.Contains($"tensor '{tensor}' holds {value} at [", said, StringComparison.Ordinal);
        Assert.Equal([At("adapter"), At("base")], Directory.EnumerateFileSystemEntries(_folder).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Reply_refuses_a_checkpoint_with_NaN()
    {
        Spoil("visual.patch_embed.proj.weight", 7, float.NaN);
        using var checkpoint = CheckpointFolder.Open(Base);
        Assert.Contains(
            "tensor 'visual.patch_embed.proj.weight' holds NaN at [0, 0, 0, 0, 7]", Assert.Throws<CheckpointException>(() => ModelWeights.Load(checkpoint))
                .Message, StringComparison.Ordinal);
        Assert.Equal(1, TinyCheckpoint.Run(ReplyCommand.Create(), Base, "--count", "1"));
    }

    [Fact]
    public void A_neighbour_of_the_target_is_left_alone()
    {
        Directory.CreateDirectory(At("merged.new"));
        File.WriteAllText(At("merged.new/notes.txt"), "precious");
        Assert.Equal(1, LoraMerge.Write(Base, Changed("", ""), At("merged") + "/"));
        Assert.Equal("precious", File.ReadAllText(At("merged.new/notes.txt")));
        Assert.Equal(
            ["adapter", "base", "merged", "merged.new"], Directory.EnumerateFileSystemEntries(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_sum_that_the_bases_type_cannot_hold_is_refused()
    {
        var name = "model.layers.0.self_attn.q_proj.weight";
        Rewrite(Base, (tensor, info, values) => tensor == name
            ? NamedTensor.Bytes(
                tensor, new TensorInfo(TensorType.F16, info.Shape), MemoryMarshal.AsBytes<Half>([.. values.Select(_ => Half.MaxValue)]).ToArray())
            : NamedTensor.Floats(tensor, info.Shape, values));
        var adapter = Changed("\"lora_alpha\": 8", "\"lora_alpha\": 1e30");
        Assert.Contains(
            $"'{name}' becomes ", Assert.Throws<CheckpointException>(() => LoraMerge.Write(Base, adapter, At("merged"))).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Refused(string option, string instead)
        => Assert.Throws<CheckpointException>(() => LoraMerge.Write(Base, Changed(option, instead), At("merged"))).Message;

    /// <summary>A sound adapter with one option of its configuration changed.</summary>
    private string Changed(string option, string instead)
    {
        var sound = Repository.Golden("field/adapter-pissa");
        Directory.CreateDirectory(At("adapter"));
        File.Copy(Path.Combine(sound, "adapter_model.safetensors"), At("adapter/adapter_model.safetensors"));
        var config = File.ReadAllText(Path.Combine(sound, "adapter_config.json")).Replace("\"pissa\"", "true", StringComparison.Ordinal);
        if (option.Length > 0) Assert.Contains(option, config, StringComparison.Ordinal);
        File.WriteAllText(At("adapter/adapter_config.json"), option.Length > 0 ? config.Replace(option, instead, StringComparison.Ordinal) : config);
        return At("adapter");
    }

    private void Spoil(string tensor, int element, float value) => Rewrite(Base, (name, info, values) =>
    {
        if (name == tensor) values[element] = value;
        return NamedTensor.Floats(name, info.Shape, values);
    });

    private static void Rewrite(string folder, Func<string, TensorInfo, float[], NamedTensor> change)
    {
        var path = Path.Combine(folder, "model.safetensors");
        NamedTensor[] tensors;
        using (var file = SafeTensors.Open(path)) tensors = [.. file.Names.Select(name => change(name, file.Info(name), file.ReadFloats(name)))];
        SafeTensors.Write(path, tensors);
    }

    private string At(string path) => Path.Combine(_folder, path);
}
