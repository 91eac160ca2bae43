using Vlm.Model;
using Vlm.Text;
using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Supervised;

/// <summary>Weights that a fresh run starts from instead of random ones.</summary>
internal static class StartingWeights
{
    private const string HeadsFile = "training/auxiliary.safetensors";

    /// <summary>Fills a model with the weights of a checkpoint, and the read-outs where the checkpoint has them.</summary>
    /// <returns>What was taken, for people.</returns>
    /// <exception cref="CheckpointException">A tensor is missing or has another shape; nothing has been filled.</exception>
    public static string Take(string folder, QwenVl model, AuxiliaryHeads heads)
    {
        using var checkpoint = CheckpointFolder.Open(folder);
        foreach (var (name, parameter) in model.named_parameters())
            EnsureShape(folder, name, checkpoint.Contains(name) ? checkpoint.Info(name).Shape : null, parameter);
        var headsPath = Path.Combine(folder, HeadsFile);
        using var auxiliary = File.Exists(headsPath) ? SafeTensors.Open(headsPath) : null;
        if (auxiliary is not null)
        {
            foreach (var (name, parameter) in heads.named_parameters())
                EnsureShape(headsPath, name, auxiliary.Names.Contains(name) ? auxiliary.Info(name).Shape : null, parameter);
        }

        foreach (var (name, parameter) in model.named_parameters()) ModelWeights.Fill(parameter, checkpoint.ReadFloats(name));
        var grown = Grow(folder, model);
        if (auxiliary is not null) ModelWeights.Fill(heads, auxiliary);
        return $"weights of {folder}{grown}"
            + (auxiliary is null ? "; its auxiliary read-outs are not there and start fresh" : ", auxiliary read-outs included");
    }

    /// <summary>
    /// A checkpoint from before the token for unseen letters has a row for it that was never used: it starts as the mean of the letters' rows.
    /// </summary>
    private static string Grow(string folder, QwenVl model)
    {
        var file = Path.Combine(folder, "tokenizer.json");
        if (!File.Exists(file)) return "";
        var tokenizer = Tokenizer.Load(file);
        if (tokenizer.Encode(SmallTokenizer.Unseen).Length == 1 || model.Config.Text.VocabSize != SmallTokenizer.VocabSize) return "";
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var letters = tensor(Enumerable.Range('a', 26).Select(letter => (long)tokenizer.Encode($" {(char)letter}")[0]).ToArray());
        var rows = model.named_parameters().Single(p => p.name == "model.embed_tokens.weight").parameter;
        rows.select(0, SmallTokenizer.Id(SmallTokenizer.Unseen)).copy_(rows.index_select(0, letters).mean([0]));
        return ", with a row for unseen letters";
    }

    private static void EnsureShape(string where, string name, long[]? found, Tensor wanted)
    {
        if (found is not null && found.AsSpan().SequenceEqual(wanted.shape)) return;
        throw new CheckpointException(
            $"Tensor '{name}' in '{where}' {(found is null ? "is missing" : $"has shape [{string.Join(", ", found)}]")}; "
            + $"this run's model asks for [{string.Join(", ", wanted.shape)}]. "
            + "Give 'model' the sizes of the checkpoint's config.json, or leave out 'from'.");
    }
}
