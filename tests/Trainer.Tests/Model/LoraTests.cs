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
    private readonly GoldenModel _golden = new();
    private readonly SafeTensors _peft = SafeTensors.Open(Repository.Golden("peft/golden.safetensors"));
    private readonly string _folder = Directory.CreateTempSubdirectory("lora").FullName;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    [Theory]
    [InlineData("one"), InlineData("odd"), InlineData("text")]
    public void Logits_with_PEFTs_adapter_equal_PEFTs_within_1e_4(string name)
    {
        using var noGradient = no_grad();
        using var adapters = LoraAdapters.Load(_golden.Model, Adapter);
        Assert.True(GoldenModel.Difference(name, GoldenModel.Floats(_peft, $"logits.{name}"), _golden.Logits(name)) <= 1e-4);
    }

    [Fact]
    public void With_adapters_disabled_the_model_is_its_base_to_the_bit_and_after_that_it_is_not()
    {
        using var noGradient = no_grad();
        var before = _golden.Logits("one");
        using var adapters = LoraAdapters.Load(_golden.Model, Adapter);
        using (adapters.Disabled()) Assert.Equal(0, GoldenModel.Difference("disabled", before, _golden.Logits("one")));
        Assert.True(GoldenModel.Difference("enabled again", before, _golden.Logits("one")) > 1);
    }

    [Fact]
    public void Fresh_adapters_change_nothing_and_only_they_are_trained()
    {
        var before = _golden.Logits("one").detach();
        using var adapters = LoraAdapters.Attach(
            _golden.Model, new LoraConfig { R = 4, Alpha = 8, TargetModules = TargetModules.Endings("q_proj", "gate_proj", "qkv") });
        Assert.Equal(3 * 2 + 4 * 2, adapters.Parameters.Count / 2);   // q and gate of 3 layers, gate (by its ending) and qkv of 4 blocks
        Assert.Equal(0, GoldenModel.Difference("fresh", before, _golden.Logits("one")));

        using var optimizer = new Optimizer(adapters.Parameters, new OptimizerConfig());
        _golden.Logits("one").square().mean().backward();
        Assert.All(_golden.Model.parameters(), p => Assert.Null(p.grad));
        Assert.All(adapters.Parameters.Where(p => p.Name.Contains("lora_B", StringComparison.Ordinal)),
            p => Assert.True(p.Parameter.grad!.abs().max().item<float>() > 0, p.Name));
        optimizer.Step(0.01);
        Assert.True(GoldenModel.Difference("after a step", before, _golden.Logits("one").detach()) > 1e-3);
    }

    [Fact]
    public void A_saved_adapter_has_PEFTs_names_and_comes_back_to_the_bit()
    {
        using var noGradient = no_grad();
        Tensor expected;
        using (var adapters = LoraAdapters.Load(_golden.Model, Adapter))
        {
            expected = _golden.Logits("text");
            adapters.Save(_folder);
        }

        using (var written = SafeTensors.Open(Path.Combine(_folder, "adapter_model.safetensors")))
        using (var original = SafeTensors.Open(Path.Combine(Adapter, "adapter_model.safetensors")))
            Assert.Equal(original.Names.Order(StringComparer.Ordinal), written.Names.Order(StringComparer.Ordinal));
        using var again = LoraAdapters.Load(_golden.Model, _folder);
        Assert.Equal(0, GoldenModel.Difference("again", expected, _golden.Logits("text")));
    }

    [Fact]
    public void Names_of_adapters_made_with_older_transformers_are_understood()
    {
        using var noGradient = no_grad();
        using (var original = SafeTensors.Open(Path.Combine(Adapter, "adapter_model.safetensors")))
        {
            SafeTensors.Write(Path.Combine(_folder, "adapter_model.safetensors"), original.Names.Select(n =>
                NamedTensor.Floats(
                    n.Replace("model.language_model.layers", "model.layers", StringComparison.Ordinal), original.Info(n).Shape, original.ReadFloats(n))));
        }

        File.Copy(Path.Combine(Adapter, "adapter_config.json"), Path.Combine(_folder, "adapter_config.json"));
        using var adapters = LoraAdapters.Load(_golden.Model, _folder);
        Assert.True(GoldenModel.Difference("older names", GoldenModel.Floats(_peft, "logits.text"), _golden.Logits("text")) <= 1e-4);
    }

    [Theory]
    [InlineData("rank_pattern", """{"q_proj": 8}"""), InlineData("alpha_pattern", """{"q_proj": 8}"""), InlineData("use_dora", "true"),
        InlineData("bias", "\"all\"")]
    [InlineData("modules_to_save", """["lm_head"]"""), InlineData("peft_type", "\"IA3\""), InlineData("some_future_member", "true"), InlineData("r", "5")]
    public void An_adapter_that_does_more_than_is_supported_is_refused_by_the_member_that_says_so(string member, string value)
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Adapter, "adapter_config.json")))!;
        config[member] = JsonNode.Parse(value);
        File.WriteAllText(Path.Combine(_folder, "adapter_config.json"), config.ToJsonString());
        File.Copy(Path.Combine(Adapter, "adapter_model.safetensors"), Path.Combine(_folder, "adapter_model.safetensors"));
        Assert.Contains(member, Assert.Throws<CheckpointException>(() => LoraAdapters.Load(_golden.Model, _folder)).Message, StringComparison.Ordinal);
        Assert.Null(_golden.Model.Adapters);
    }

    [Theory]
    [InlineData("nothing_of_this_name", "match no module"), InlineData(".*", "cannot be adapted"), InlineData("lm_head|model.embed_tokens", "embed_tokens")]
    public void Targets_that_match_nothing_or_no_linear_layer_are_refused(string pattern, string said)
    {
        var config = new LoraConfig { TargetModules = TargetModules.Pattern(pattern) };
        Assert.Contains(said, Assert.Throws<InvalidDataException>(() => LoraAdapters.Attach(_golden.Model, config)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Merged_weights_are_PEFTs_and_the_merged_checkpoint_gives_the_logits_of_base_and_adapter()
    {
        using var noGradient = no_grad();
        var target = Path.Combine(_folder, "merged");
        Assert.Equal(0, TinyCheckpoint.Run(MergeCommand.Create(), GoldenModel.Folder, "--adapter", Adapter, "--to", target));
        using var merged = CheckpointFolder.Open(target);
        foreach (var name in _peft.Names.Where(n => n.StartsWith("merged.", StringComparison.Ordinal)))
        {
            var weight = name["merged.".Length..];
            Assert.True(
                GoldenModel.Difference(weight, GoldenModel.Floats(_peft, name), tensor(merged.ReadFloats(weight)).view(merged.Info(weight).Shape)) <= 1e-6);
        }

        using var plain = ModelWeights.Load(merged);
        using var adapters = LoraAdapters.Load(_golden.Model, Adapter);
        foreach (var name in new[] { "one", "odd", "text" })
            Assert.True(GoldenModel.Difference($"merged, {name}", _golden.Logits(name), _golden.Logits(plain, name)) <= 1e-4);
        Assert.True(File.Exists(Path.Combine(target, "preprocessor_config.json")));
    }

    [Fact]
    public void A_base_in_bfloat16_is_merged_in_float32_and_stored_in_bfloat16()
    {
        using var noGradient = no_grad();
        var small = Path.Combine(_folder, "bfloat16");
        Directory.CreateDirectory(small);
        File.Copy(Path.Combine(GoldenModel.Folder, "config.json"), Path.Combine(small, "config.json"));
        using var half = ModelWeights.Load(_golden.Checkpoint, Compute.Exact with { Weights = bfloat16 });
        SafeTensors.Write(Path.Combine(small, "model.safetensors"), ModelWeights.Tensors(half));
        Assert.Equal(0, TinyCheckpoint.Run(MergeCommand.Create(), small, "--adapter", Adapter, "--to", Path.Combine(_folder, "merged")));
        using var merged = CheckpointFolder.Open(Path.Combine(_folder, "merged"));
        var name = _peft.Names.First(n => n.StartsWith("merged.", StringComparison.Ordinal));
        var weight = name["merged.".Length..];
        Assert.Equal(TensorType.BF16, merged.Info(weight).Type);
        var expected = GoldenModel.Floats(_peft, name);
        Assert.True(
            GoldenModel.Difference(weight, expected, tensor(merged.ReadFloats(weight)).view(expected.shape)) <= expected.abs().max().item<float>() / 128);
    }

    [Fact]
    public void Merging_writes_over_nothing_and_names_a_layer_of_another_shape()
    {
        Assert.Equal(1, TinyCheckpoint.Run(MergeCommand.Create(), GoldenModel.Folder, "--adapter", Adapter, "--to", _folder));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));

        using (var original = SafeTensors.Open(Path.Combine(Adapter, "adapter_model.safetensors")))
        {
            SafeTensors.Write(Path.Combine(_folder, "adapter_model.safetensors"), original.Names.Select(n =>
                n.Contains("layers.1.self_attn.q_proj.lora_A", StringComparison.Ordinal)
                    ? NamedTensor.Floats(n, [4, 3], new float[12])
                    : NamedTensor.Floats(n, original.Info(n).Shape, original.ReadFloats(n))));
        }

        File.Copy(Path.Combine(Adapter, "adapter_config.json"), Path.Combine(_folder, "adapter_config.json"));
        var said = Assert.Throws<CheckpointException>(() => LoraMerge.Write(GoldenModel.Folder, _folder, Path.Combine(_folder, "merged"))).Message;
        Assert.Contains("layers.1.self_attn.q_proj.lora_A.weight' has shape [4, 3]; the model and r = 4 ask for [4, 64]", said, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder, "merged")));
    }

    public void Dispose()
    {
        _scope.Dispose();
        _golden.Dispose();
        _peft.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
