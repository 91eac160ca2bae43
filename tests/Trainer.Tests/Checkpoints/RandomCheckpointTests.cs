using System.Text.Json;
using Vlm.Model;
using Vlm.Trainer.Checkpoints;
using Vlm.Trainer.Commands;

namespace Vlm.Trainer.Tests.Checkpoints;

/// <summary>Checkpoints of a public model's shapes with random weights.</summary>
public sealed class RandomCheckpointTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("random").FullName;

    [Fact]
    public void The_large_preset_is_the_public_models_architecture()
    {
        var ours = PublicPreset.Config("qwen2.5-vl-3b");
        ours.Save(At("config.json"));

        Assert.Equal(3_754_622_976, RandomCheckpoint.Parameters(ours));
        var theirs = VlmConfig.Load(Path.Combine(Repository.Golden("public-3b"), "config.json"));
        Assert.Equal(WeightNames.All(theirs).Select(Line), WeightNames.All(VlmConfig.Load(At("config.json"))).Select(Line));
        Assert.Equal((theirs.Text.RopeTheta, theirs.Text.MaxPositions, theirs.ImageTokenId), (ours.Text.RopeTheta, ours.Text.MaxPositions, ours.ImageTokenId));
        Assert.Equal(theirs.EosTokenIds, ours.EosTokenIds);

        static string Line(WeightSpec weight) => $"{weight.Name} {string.Join('x', weight.Shape)}";
    }

    [Fact]
    public void A_folder_of_shards_in_bfloat16_opens_under_the_real_names_and_is_the_same_for_the_same_seed()
    {
        var (plan, bytes) = (Plan(seed: 3), 0L);
        RandomCheckpoint.Write(plan, At("a"), written => bytes += written, Stop);
        RandomCheckpoint.Write(plan, At("b"), _ => { }, Stop);
        RandomCheckpoint.Write(Plan(seed: 4), At("c"), _ => { }, Stop);

        using var checkpoint = CheckpointFolder.Open(At("a"));
        Assert.Equal(RandomCheckpoint.Parameters(plan.Config) * 2, bytes);
        Assert.Equal(new TensorInfo(TensorType.BF16, [32, 64]).Type, checkpoint.Info("model.layers.1.mlp.down_proj.weight").Type);
        var matrix = checkpoint.ReadFloats("model.layers.1.mlp.down_proj.weight");
        Assert.InRange(matrix.Max(), 0.11f, 0.126f);
        Assert.InRange(matrix.Average(), -0.01f, 0.01f);
        Assert.All(checkpoint.ReadFloats("model.norm.weight"), value => Assert.Equal(1, value));
        Assert.All(checkpoint.ReadFloats("model.layers.0.self_attn.q_proj.bias"), value => Assert.Equal(0, value));
        Assert.NotEqual(matrix, checkpoint.ReadFloats("model.layers.0.mlp.down_proj.weight"));
        string[] shards = [.. Directory.EnumerateFiles(At("a"), "*.safetensors").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        Assert.True(shards.Length > 2);
        Assert.Equal($"model-00001-of-{shards.Length:D5}.safetensors", shards[0]);
        using var index = JsonDocument.Parse(File.ReadAllBytes(At("a/model.safetensors.index.json")));
        Assert.Equal(bytes, index.RootElement.GetProperty("metadata").GetProperty("total_size").GetInt64());
        foreach (var shard in shards) Assert.Equal(File.ReadAllBytes(At($"a/{shard}")), File.ReadAllBytes(At($"b/{shard}")));
        Assert.NotEqual(File.ReadAllBytes(At($"a/{shards[1]}")), File.ReadAllBytes(At($"c/{shards[1]}")));
    }

    [Fact]
    public void What_is_interrupted_leaves_nothing_and_what_is_there_is_left_alone()
    {
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => RandomCheckpoint.Write(Plan(seed: 3), At("a"), _ => stop.Cancel(), stop.Token));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));

        Directory.CreateDirectory(At("a"));
        Assert.Throws<CheckpointException>(() => RandomCheckpoint.Write(Plan(seed: 3), At("a"), _ => { }, Stop));
        Assert.Empty(Directory.EnumerateFileSystemEntries(At("a")));
        Assert.Throws<CheckpointException>(() => RandomCheckpoint.Write(Plan(seed: 3) with { Tokenizer = _folder }, At("b"), _ => { }, Stop));
    }

    [Fact]
    public void The_command_writes_it_with_the_tokenizer()
    {
        Assert.Equal(0, TinyCheckpoint.Run(RandomCommand.Create(), "--preset", "tiny", "--to", At("a"), "--tokenizer", Repository.Golden("qwen2-tokenizer")));

        using var checkpoint = CheckpointFolder.Open(At("a"));
        Assert.True(File.Exists(At("a/tokenizer.json")) && File.Exists(At("a/preprocessor_config.json")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static RandomCheckpointPlan Plan(long seed) => new(PublicPreset.Config("tiny"), seed, ShardBytes: 100_000, Tokenizer: null);

    private string At(string name) => Path.Combine(_folder, name);
}
