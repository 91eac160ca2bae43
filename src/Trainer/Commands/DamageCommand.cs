using System.CommandLine;
using System.Globalization;
using Vlm.CommandLine;
using Vlm.Model;
using Vlm.Package;
using Vlm.Trainer.Model;
using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Commands;

/// <summary><c>damage &lt;checkpoint&gt; --noise 0.35 --to &lt;folder&gt;</c>: a start for reinforcement learning that is bad on purpose.</summary>
internal static class DamageCommand
{
    private const double MostNoise = 10;

    public static Command Create()
    {
        var checkpoint = new Argument<string>("checkpoint") { Description = "Folder in Hugging Face layout." };
        var noise = CheckedOption.Read<double>(
            "--noise", "Standard deviation of the noise, in shares of each matrix's own.", 0.35, TryReadNoise, $"more than 0 and at most {MostNoise}");
        var seed = new Option<long>("--seed") { Description = "Of the noise.", DefaultValueFactory = _ => 1 };
        var target = new Option<string>("--to") { Description = "Folder for the damaged checkpoint; must not exist.", Required = true };
        var command = new Command("damage", "Put noise on a checkpoint's decoder: a start from which rewards have something to teach.")
        {
            checkpoint, noise, seed, target,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(checkpoint), parsed.GetValue(noise), parsed.GetValue(seed), parsed.GetRequiredValue(target)));
        return command;
    }

    private static void Run(string from, double noise, long seed, string to)
    {
        DerivedCheckpoint.EnsureFree(to);
        using var checkpoint = CheckpointFolder.Open(from);
        var decoder = new DamagedDecoder(noise, seed);
        WeightSpec[] weights = [.. WeightNames.All(checkpoint.Config)];
        var said = string.Create(
            CultureInfo.InvariantCulture,
            $"Gaussian noise of {noise} of each matrix's standard deviation on the {weights.Count(DamagedDecoder.IsDamaged)} matrices of the decoder's layers");
        DerivedCheckpoint.Write(from, to, folder =>
        {
            SafeTensors.Write(
                Path.Combine(folder, "model.safetensors"),
                weights.Select(weight => NamedTensor.Floats(weight.Name, weight.Shape, decoder.Of(weight, checkpoint.ReadFloats(weight.Name)))));
            CheckpointProvenance.Write(folder, new Provenance
            {
                Command = string.Create(CultureInfo.InvariantCulture, $"damage {from} --noise {noise} --seed {seed}"),
                Config = $"{from}, damaged on purpose: {said}",
                Seed = seed,
                Commit = SourceCommit.Current(),
            });
        });
        Console.WriteLine($"{to}: {said}");
    }

    private static bool TryReadNoise(string text, out double noise)
        => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out noise) && noise is > 0 and <= MostNoise;
}
