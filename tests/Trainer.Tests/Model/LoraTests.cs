using System.Text.Json.Nodes;
using Vlm.Model;
using Vlm.Trainer.Commands;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Model;

/// <summary>Adapters against PEFT's numbers (tests/Golden/README.md).</summary>
public sealed class LoraTests : IDisposable
{
    private static readonly string Adapter = Repository.Golden("peft");
    private readonly GoldenModel golden = new();
    private readonly SafeTensors peft = SafeTensors.Open(Repository.Golden("peft/golden.safetensors"));
    private readonly string folder = Directory.CreateTempSubdirectory("lora").FullName;
    private readonly TorchSharp.DisposeScope scope = NewDisposeScope();

    [Theory]
    [InlineData("one"), InlineData("odd"), InlineData("text")]
    public void Logits_with_PEFTs_adapter_equal_PEFTs_within_1e_4(string name)
    {
        using var noGradient = no_grad();
        using var adapters = LoraAdapters.Load(golden.Model, Adapter);
        Assert.True(GoldenModel.Difference(name, GoldenModel.Floats(peft, $"logits.{name}"), golden.Logits(name)) <= 1e-4);
    }

    [Fact]
    public void With_adapters_disabled_the_model_is_its_base_to_the_bit_and_after_that_it_is_not()
    {
        using var noGradient = no_grad();
        var before = golden.Logits("one");
        using var adapters = LoraAdapters.Load(golden.Model, Adapter);
        using (adapters.Disabled()) Assert.Equal(0, GoldenModel.Difference("disabled", before, golden.Logits("one")));
        Assert.True(GoldenModel.Difference("enabled again", before, golden.Logits("one")) > 1);
    }

    [Fact]
    public void Fresh_adapters_change_nothing_and_only_they_are_trained()
    {
        var before = golden.Logits("one").detach();
        using var adapters = LoraAdapters.Attach(golden.Model, new LoraConfig { R = 4, Alpha = 8, TargetModules = TargetModules.Endings("q_proj", "gate_proj", "qkv") });
        Assert.Equal(3 * 2 + 4 * 2, adapters.Parameters.Count / 2);   // q and gate of 3 layers, gate (by its ending) and qkv of 4 blocks
        Assert.Equal(0, GoldenModel.Difference("fresh", before, golden.Logits("one")));

        using var optimizer = new Optimizer(adapters.Parameters, new OptimizerConfig());
        golden.Logits("one").square().mean().backward();
        Assert.All(golden.Model.parameters(), p => Assert.Null(p.grad));
        Assert.All(adapters.Parameters.Where(p => p.Name.Contains("lora_B", StringComparison.Ordinal)), p => Assert.True(p.Parameter.grad!.abs().max().item<float>() > 0, p.Name));
        optimizer.Step(0.01);
        Assert.True(GoldenModel.Difference("after a step", before, golden.Logits("one").detach()) > 1e-3);
    }

    [Fact]
    public void A_saved_adapter_has_PEFTs_names_and_comes_back_to_the_bit()
    {
        using var noGradient = no_grad();
        Tensor expected;
        using (var adapters = LoraAdapters.Load(golden.Model, Adapter))
        {
            expected = golden.Logits("text");
            adapters.Save(folder);
        }

        using (var written = SafeTensors.Open(Path.Combine(folder, "adapter_model.safetensors")))
        using (var original = SafeTensors.Open(Path.Combine(Adapter, "adapter_model.safetensors")))
            Assert.Equal(original.Names.Order(StringComparer.Ordinal), written.Names.Order(StringComparer.Ordinal));
        using var again = LoraAdapters.Load(golden.Model, folder);
        Assert.Equal(0, GoldenModel.Difference("again", expected, golden.Logits("text")));
    }

    [Fact]
    public void Names_of_adapters_made_with_older_transformers_are_understood()
    {
        using var noGradient = no_grad();
        using (var original = SafeTensors.Open(Path.Combine(Adapter, "adapter_model.safetensors")))
        {
            SafeTensors.Write(Path.Combine(folder, "adapter_model.safetensors"), original.Names.Select(n =>
                NamedTensor.Floats(n.Replace("model.language_model.layers", "model.layers", StringComparison.Ordinal), original.Info(n).Shape, original.ReadFloats(n))));
        }

        File.Copy(Path.Combine(Adapter, "adapter_config.json"), Path.Combine(folder, "adapter_config.json"));
        using var adapters = LoraAdapters.Load(golden.Model, folder);
        Assert.True(GoldenModel.Difference("older names", GoldenModel.Floats(peft, "logits.text"), golden.Logits("text")) <= 1e-4);
    }

    [Theory]
    [InlineData("rank_pattern", """{"q_proj": 8}"""), InlineData("alpha_pattern", """{"q_proj": 8}"""), InlineData("use_dora", "true"), InlineData("bias", "\"all\"")]
    [InlineData("modules_to_save", """["lm_head"]"""), InlineData("peft_type", "\"IA3\""), InlineData("some_future_member", "true"), InlineData("r", "5")]
    public void An_adapter_that_does_more_than_is_supported_is_refused_by_the_member_that_says_so(string member, string value)
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Adapter, "adapter_config.json")))!;
        config[member] = JsonNode.Parse(value);
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), config.ToJsonString());
        File.Copy(Path.Combine(Adapter, "adapter_model.safetensors"), Path.Combine(folder, "adapter_model.safetensors"));
        Assert.Contains(member, Assert.Throws<CheckpointException>(() => LoraAdapters.Load(golden.Model, folder)).Message, StringComparison.Ordinal);
        Assert.Null(golden.Model.Adapters);
    }

    [Theory]
    [InlineData("nothing_of_this_name", "match no module"), InlineData(".*", "cannot be adapted"), InlineData("lm_head|model.embed_tokens", "embed_tokens")]
    public void Targets_that_match_nothing_or_no_linear_layer_are_refused(string pattern, string said)
    {
        var config = new LoraConfig { TargetModules = TargetModules.Pattern(pattern) };
        Assert.Contains(said, Assert.Throws<InvalidDataException>(() => LoraAdapters.Attach(golden.Model, config)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Merged_weights_are_PEFTs_and_the_merged_checkpoint_gives_the_logits_of_base_and_adapter()
    {
        using var noGradient = no_grad();
        var target = Path.Combine(folder, "merged");
        Assert.Equal(0, MergeCommand.Run(GoldenModel.Folder, Adapter, target));
        using var merged = CheckpointFolder.Open(target);
        foreach (var name in peft.Names.Where(n => n.StartsWith("merged.", StringComparison.Ordinal)))
        {
            var weight = name["merged.".Length..];
            Assert.True(GoldenModel.Difference(weight, GoldenModel.Floats(peft, name), tensor(merged.ReadFloats(weight)).view(merged.Info(weight).Shape)) <= 1e-6);
        }

        using var plain = ModelWeights.Load(merged);
        using var adapters = LoraAdapters.Load(golden.Model, Adapter);
        foreach (var name in new[] { "one", "odd", "text" }) Assert.True(GoldenModel.Difference($"merged, {name}", golden.Logits(name), golden.Logits(plain, name)) <= 1e-4);
        Assert.True(File.Exists(Path.Combine(target, "preprocessor_config.json")));
    }

    [Fact]
    public void A_base_in_bfloat16_is_merged_in_float32_and_stored_in_bfloat16()
    {
        using var noGradient = no_grad();
        var small = Path.Combine(folder, "bfloat16");
        Directory.CreateDirectory(small);
        File.Copy(Path.Combine(GoldenModel.Folder, "config.json"), Path.Combine(small, "config.json"));
        ModelWeights.ToBfloat16(golden.Model);
        SafeTensors.Write(Path.Combine(small, "model.safetensors"), ModelWeights.Tensors(golden.Model));
        Assert.Equal(0, MergeCommand.Run(small, Adapter, Path.Combine(folder, "merged")));
        using var merged = CheckpointFolder.Open(Path.Combine(folder, "merged"));
        var name = peft.Names.First(n => n.StartsWith("merged.", StringComparison.Ordinal));
        var weight = name["merged.".Length..];
        Assert.Equal(TensorType.BF16, merged.Info(weight).Type);
        var expected = GoldenModel.Floats(peft, name);
        Assert.True(GoldenModel.Difference(weight, expected, tensor(merged.ReadFloats(weight)).view(expected.shape)) <= expected.abs().max().item<float>() / 128);
    }

    [Fact]
    public void Merging_writes_over_nothing_and_names_a_layer_of_another_shape()
    {
        Assert.Equal(1, MergeCommand.Run(GoldenModel.Folder, Adapter, folder));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));

        using (var original = SafeTensors.Open(Path.Combine(Adapter, "adapter_model.safetensors")))
        {
            SafeTensors.Write(Path.Combine(folder, "adapter_model.safetensors"), original.Names.Select(n =>
                n.Contains("layers.1.self_attn.q_proj.lora_A", StringComparison.Ordinal)
                    ? NamedTensor.Floats(n, [4, 3], new float[12])
                    : NamedTensor.Floats(n, original.Info(n).Shape, original.ReadFloats(n))));
        }

        File.Copy(Path.Combine(Adapter, "adapter_config.json"), Path.Combine(folder, "adapter_config.json"));
        var said = Assert.Throws<CheckpointException>(() => LoraMerge.Write(GoldenModel.Folder, folder, Path.Combine(folder, "merged"))).Message;
        Assert.Contains("layers.1.self_attn.q_proj.lora_A.weight' has shape [4, 3]; the model and r = 4 ask for [4, 64]", said, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder, "merged")));
    }

    public void Dispose()
    {
        scope.Dispose();
        golden.Dispose();
        peft.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
