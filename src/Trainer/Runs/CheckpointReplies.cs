using System.Security.Cryptography;
using Vlm.Model;
using Vlm.Puzzles;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;
using static TorchSharp.torch;

namespace Vlm.Trainer.Runs;

/// <summary>Greedy replies of a checkpoint to puzzles, in float32 as the exported model computes, with the prompt and limits of its own files.</summary>
internal sealed class CheckpointReplies : IDisposable
{
    private readonly QwenVl _model;
    private readonly CheckpointInput _input;
    private readonly Func<IReadOnlyList<Puzzle>, IReadOnlyList<TorchReply>> _answer;

    /// <param name="folder">The checkpoint.</param>
    /// <param name="device">Where it computes.</param>
    /// <param name="held">Whether replies are held to the grammar: see <see cref="HeldReplies"/>.</param>
    /// <exception cref="CheckpointException">A file is missing or cannot be used.</exception>
    public CheckpointReplies(string folder, Device device, bool held = false)
    {
        using var checkpoint = CheckpointFolder.Open(folder);
        _model = ModelWeights.Load(checkpoint, Compute.Exact with { Device = device });
        _input = CheckpointInput.Load(folder);
        var greedy = new GreedyReplies(_model, _input.Template.MaxNewTokens);
        _answer = held ? new HeldReplies(_model, _input).To : puzzles => greedy.To([.. puzzles.Select(_input.Ask)]);
    }

    /// <summary>The checkpoint's own folder, given it or the folder of the run that wrote it.</summary>
    public static string Folder(string given)
    {
        var inside = Path.Combine(given, "checkpoint");
        return File.Exists(Path.Combine(inside, "config.json")) && !File.Exists(Path.Combine(given, "model.safetensors")) ? inside : given;
    }

    /// <summary>SHA-256 over the weight files in the order of their names, in hexadecimal digits.</summary>
    public static string Hash(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        foreach (var path in Directory.EnumerateFiles(folder, "*.safetensors").Order(StringComparer.Ordinal))
        {
            using var file = File.OpenRead(path);
            for (var read = file.Read(buffer); read > 0; read = file.Read(buffer)) hash.AppendData(buffer, 0, read);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Replies in the order of the puzzles.</summary>
    public IReadOnlyList<PuzzleReply> To(IReadOnlyList<Puzzle> puzzles)
        => [.. _answer(puzzles)
            .Select(reply => new PuzzleReply(_input.Tokenizer.Decode(reply.Ids), Confidence(reply.Ids, reply.LogProbabilities)))];

    public void Dispose() => _model.Dispose();

    private double? Confidence(int[] ids, float[] logProbabilities) =>
        AnswerConfidence.Of(_input.Tokenizer, ids, logProbabilities) is null ? null : Math.Min(1, Math.Exp(logProbabilities.Sum(log => (double)log)));
}
