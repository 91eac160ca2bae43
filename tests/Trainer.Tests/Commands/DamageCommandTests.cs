using Vlm.Model;
using Vlm.Trainer.Commands;
using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Tests.Commands;

public sealed class DamageCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("damage").FullName;
    private readonly string _start;

    public DamageCommandTests() => _start = TinyCheckpoint.Write(At("start"));

    [Fact]
    public void The_noise_has_its_share_of_every_matrix_of_the_decoders_layers_and_nothing_else_is_touched()
    {
        Assert.Equal(0, Damage("--noise", "0.35", "--to", At("a")));
        using var before = CheckpointFolder.Open(_start);
        using var after = CheckpointFolder.Open(At("a"));
        var damaged = 0;
        foreach (var weight in before.Weights)
        {
            var (was, now) = (before.ReadFloats(weight.Name), after.ReadFloats(weight.Name));
            if (weight.Shape.Length == 2 && weight.Name.StartsWith("model.layers.", StringComparison.Ordinal))
            {
                damaged++;
                var noise = was.Zip(now, (a, b) => (double)b - a).ToArray();
                Assert.InRange(Deviation(noise) / Deviation([.. was.Select(value => (double)value)]), 0.30, 0.40);
                Assert.InRange(noise.Average() / Deviation(noise), -0.1, 0.1);
            }
            else
            {
                Assert.Equal(was, now);
            }
        }
        Assert.Equal(7 * before.Config.Text.NumLayers, damaged);
    }

    [Fact]
    public void The_same_seed_gives_the_same_weights_another_one_others_and_the_folder_says_what_was_done()
    {
        Assert.Equal(0, Damage("--seed", "1", "--to", At("a")));
        Assert.Equal(0, Damage("--seed", "1", "--to", At("b")));
        Assert.Equal(0, Damage("--seed", "2", "--to", At("c")));
        byte[] Weights(string folder) => File.ReadAllBytes(At($"{folder}/model.safetensors"));
        Assert.Equal(Weights("a"), Weights("b"));
        Assert.NotEqual(Weights("a"), Weights("c"));
        var provenance = CheckpointProvenance.Read(At("a"));
        Assert.Equal(1, provenance.Seed);
        Assert.Contains("damaged on purpose: Gaussian noise of 0.35 of each matrix's standard deviation", provenance.Config, StringComparison.Ordinal);
        Assert.True(File.Exists(At("a/tokenizer.json")));
    }

    [Theory]
    [InlineData("0"), InlineData("-1"), InlineData("NaN"), InlineData("11"), InlineData("much")]
    public void A_noise_that_is_none_is_refused(string noise)
    {
        Assert.Equal(2, Damage("--noise", noise, "--to", At("a")));
        Assert.False(Path.Exists(At("a")));
    }

    [Fact]
    public void What_is_there_already_is_not_overwritten_and_what_is_no_checkpoint_not_damaged()
    {
        Assert.Equal(1, Damage("--to", _start));
        Assert.Equal(1, TinyCheckpoint.Run(DamageCommand.Create(), At("nothing"), "--to", At("a")));
        Assert.Equal(2, Damage());
        Assert.False(Path.Exists(At("a")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private int Damage(params string[] options) => TinyCheckpoint.Run(DamageCommand.Create(), [_start, .. options]);

    private string At(string path) => Path.Combine(_folder, path);

    private static double Deviation(double[] values)
    {
        var mean = values.Average();
        return Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
    }
}
