using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Vlm.Files;
using Vlm.Model;
using Vlm.Statistics;

namespace Vlm.Trainer.Checkpoints;

/// <summary>What a checkpoint of random weights is made of.</summary>
/// <param name="Config">The architecture.</param>
/// <param name="Seed">Decides every weight.</param>
/// <param name="ShardBytes">Bytes of weights in one file at most, but for a tensor that is larger; at least 1.</param>
/// <param name="Tokenizer">A folder with the model's tokenizer, which is copied; null for a checkpoint without one.</param>
internal sealed record RandomCheckpointPlan(VlmConfig Config, long Seed, long ShardBytes, string? Tokenizer);

/// <summary>
/// A checkpoint of a public model's shapes with random weights: it answers nothing, and takes as much time, memory and disk as the real one.
/// bfloat16, in shards with an index, under the real names.
/// </summary>
internal static class RandomCheckpoint
{
    // What transformers calls its single file; shards are numbered after it.
    private const string Stem = "model";
    private const int ChunkValues = 1 << 20;
    private const int Levels = 1 << 16;
    private static readonly string[] TokenizerFiles = ["tokenizer.json", "tokenizer_config.json"];

    /// <summary>Parameters of an architecture.</summary>
    public static long Parameters(VlmConfig config) => WeightNames.All(config).Sum(weight => Info(weight).Count);

    /// <summary>Writes the folder, whole or not at all.</summary>
    /// <param name="plan">What.</param>
    /// <param name="to">A folder that is not there yet.</param>
    /// <param name="report">Hears of bytes that were written.</param>
    /// <param name="cancellation">Ends it; nothing stays.</param>
    /// <exception cref="CheckpointException">The target exists, the tokenizer is not there, or the disk has no room.</exception>
    public static void Write(RandomCheckpointPlan plan, string to, Action<long> report, CancellationToken cancellation)
    {
        if (Path.Exists(to)) throw new CheckpointException($"'{to}' exists already; nothing was written. Give another folder or remove it.");
        foreach (var file in TokenizerFiles.Where(file => plan.Tokenizer is not null && !File.Exists(Path.Combine(plan.Tokenizer, file))))
            throw new CheckpointException($"'{plan.Tokenizer}' has no {file}; expected a folder with {string.Join(" and ", TokenizerFiles)}.");
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(to));
        var temporary = $"{target}.{Path.GetRandomFileName()}";
        Directory.CreateDirectory(temporary);
        try
        {
            RequireRoom(temporary, Parameters(plan.Config) * 2);
            var shards = Shards(plan);
            foreach (var (file, weights) in shards)
                SafeTensors.Write(Path.Combine(temporary, file), weights.Select(weight => Tensor(weight, plan.Seed, report, cancellation)));
            WriteIndex(Path.Combine(temporary, $"{Stem}.safetensors.index.json"), shards);
            plan.Config.Save(Path.Combine(temporary, "config.json"));
            PublicPreset.Pictures.Save(Path.Combine(temporary, "preprocessor_config.json"));
            foreach (var file in plan.Tokenizer is null ? [] : TokenizerFiles) File.Copy(Path.Combine(plan.Tokenizer!, file), Path.Combine(temporary, file));
            Directory.Move(temporary, target);
        }
        finally
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        }
    }

    private static TensorInfo Info(WeightSpec weight) => new(TensorType.BF16, weight.Shape);

    private static void RequireRoom(string folder, long bytes)
    {
        var free = new DriveInfo(folder).AvailableFreeSpace;
        if (free >= bytes) return;
        throw new CheckpointException($"The weights take {bytes:N0} bytes; where '{folder}' is, {free:N0} are free. Make room or give another folder.");
    }

    /// <summary>Files in order, each with its weights; numbered like transformers' shards.</summary>
    private static List<(string File, List<WeightSpec> Weights)> Shards(RandomCheckpointPlan plan)
    {
        var groups = new List<List<WeightSpec>>();
        var bytes = long.MaxValue;
        foreach (var weight in WeightNames.All(plan.Config))
        {
            if (bytes > plan.ShardBytes - Info(weight).ByteCount)
            {
                groups.Add([]);
                bytes = 0;
            }
            groups[^1].Add(weight);
            bytes += Info(weight).ByteCount;
        }
        return [.. groups.Select((weights, i) => ($"{Stem}-{i + 1:D5}-of-{groups.Count:D5}.safetensors", weights))];
    }

    private static void WriteIndex(string path, List<(string File, List<WeightSpec> Weights)> shards)
    {
        using var stream = new MemoryStream();
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", shards.SelectMany(shard => shard.Weights).Sum(weight => Info(weight).ByteCount));
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        foreach (var (file, weights) in shards)
        {
            foreach (var weight in weights) json.WriteString(weight.Name, file);
        }
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        AtomicFile.Write(path, stream.ToArray());
    }

    /// <summary>Norms one, biases zero, matrices uniform in ±1/√inputs, as a network starts: activations stay in range, whatever the depth.</summary>
    private static NamedTensor Tensor(WeightSpec weight, long seed, Action<long> report, CancellationToken cancellation) =>
        new(weight.Name, Info(weight), stream => WriteValues(stream, weight, seed, report, cancellation));

    private static void WriteValues(Stream stream, WeightSpec weight, long seed, Action<long> report, CancellationToken cancellation)
    {
        var levels = LevelsOf(weight);
        var random = SeededRandom.From([seed, .. Encoding.UTF8.GetBytes(weight.Name).Select(letter => (long)letter)]);
        var buffer = new ushort[ChunkValues];
        for (var left = Info(weight).Count; left > 0;)
        {
            cancellation.ThrowIfCancellationRequested();
            var chunk = buffer.AsSpan(0, (int)Math.Min(left, ChunkValues));
            Fill(chunk, levels, random);
            stream.Write(MemoryMarshal.AsBytes(chunk));
            report(2L * chunk.Length);
            left -= chunk.Length;
        }
    }

    /// <summary>The values that a weight's numbers are taken from, equally likely, in the file's byte order; one, where all are the same.</summary>
    private static ushort[] LevelsOf(WeightSpec weight)
    {
        if (weight.Name.EndsWith(".bias", StringComparison.Ordinal)) return [ToBFloat16(0)];
        if (weight.Shape.Length == 1) return [ToBFloat16(1)];
        var bound = 1 / Math.Sqrt(weight.Shape.Skip(1).Aggregate(1L, (a, b) => a * b));
        return [.. Enumerable.Range(0, Levels).Select(level => ToBFloat16((float)(bound * ((2 * (level + 0.5) / Levels) - 1))))];
    }

    private static void Fill(Span<ushort> values, ushort[] levels, SeededRandom random)
    {
        if (levels.Length == 1)
        {
            values.Fill(levels[0]);
            return;
        }
        var bits = 0UL;
        for (var i = 0; i < values.Length; i++)
        {
            bits = (i & 3) == 0 ? random.NextBits() : bits >> 16;
            values[i] = levels[(ushort)bits];
        }
    }

    /// <summary>The nearest bfloat16, half to even, little-endian.</summary>
    private static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        var rounded = (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        return BitConverter.IsLittleEndian ? rounded : BinaryPrimitives.ReverseEndianness(rounded);
    }
}
