using System.CommandLine;
using Vlm.Model;
using Vlm.Trainer.Model;

namespace Vlm.Trainer.Commands;

/// <summary>
/// <c>grow &lt;checkpoint&gt; --depth 6 --heads 5 --hidden 640 --to &lt;folder&gt;</c>: a larger vision tower that starts where the smaller one stands.
/// </summary>
internal static class GrowCommand
{
    public static Command Create()
    {
        var checkpoint = new Argument<string>("checkpoint") { Description = "Folder in Hugging Face layout." };
        var depth = Size("--depth", "Blocks of the vision tower; as many as there are when not given.");
        var heads = Size("--heads", "Attention heads of a block; the width grows with them.");
        var hidden = Size("--hidden", "Units inside a block's feed-forward part.");
        var seed = new Option<long>("--seed") { Description = "Of the new weights.", DefaultValueFactory = _ => 1 };
        var target = new Option<string>("--to") { Description = "Folder for the grown checkpoint; must not exist.", Required = true };
        var command = new Command("grow", "Grow a checkpoint's vision tower: larger, and answering as before.")
        {
            checkpoint, depth, heads, hidden, seed, target,
        };
        command.SetAction(parsed =>
        {
            var from = parsed.GetValue(checkpoint)!;
            var has = VlmConfig.Load(from).Vision;
            var size = new TowerSize(
                parsed.GetValue(depth) ?? has.Depth, parsed.GetValue(heads) ?? has.NumHeads, parsed.GetValue(hidden) ?? has.IntermediateSize);
            Run(from, size, parsed.GetValue(seed), parsed.GetValue(target)!);
        });
        return command;
    }

    internal static void Run(string from, TowerSize size, long seed, string to)
    {
        DerivedCheckpoint.EnsureFree(to);
        using var checkpoint = CheckpointFolder.Open(from);
        var tower = new GrownTower(checkpoint.Config, size, seed);
        WeightSpec[] weights = [.. WeightNames.All(tower.Config)];
        DerivedCheckpoint.Write(from, to, folder =>
        {
            File.Delete(Path.Combine(folder, "config.json"));
            tower.Config.Save(Path.Combine(folder, "config.json"));
            SafeTensors.Write(
                Path.Combine(folder, "model.safetensors"),
                weights.Select(weight => NamedTensor.Floats(weight.Name, weight.Shape, tower.Weight(weight, checkpoint.ReadFloats))));
        });
        Console.WriteLine($"{to}: {Parameters(WeightNames.All(checkpoint.Config)):N0} -> {Parameters(weights):N0} parameters");
    }

    private static Option<int?> Size(string name, string description) => new(name) { Description = description };

    private static long Parameters(IEnumerable<WeightSpec> weights) => weights.Sum(weight => weight.Shape.Aggregate(1L, (a, b) => a * b));
}
