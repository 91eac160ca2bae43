using System.Runtime.InteropServices;
using TorchSharp;
using Vlm.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Model;

/// <summary>A checkpoint with an adapter's update added to its weights: W + scale · B · A, in float32, stored in the type of W.</summary>
internal static class LoraMerge
{
    /// <summary>Writes the merged checkpoint: one model.safetensors and the base's other files (not its training state, shards or provenance).</summary>
    /// <param name="from">The base's folder.</param>
    /// <param name="adapter">The adapter's folder.</param>
    /// <param name="to">A folder that is not there yet.</param>
    /// <returns>How many weights changed.</returns>
    /// <exception cref="CheckpointException">The target exists, or base or adapter cannot be used.</exception>
    public static int Write(string from, string adapter, string to)
    {
        DerivedCheckpoint.EnsureFree(to);
        using var checkpoint = CheckpointFolder.Open(from);
        using var lora = LoraFile.Open(adapter, checkpoint.Config);
        DerivedCheckpoint.Write(from, to, folder => Fill(folder, checkpoint, lora));
        return lora.Entries.Count;
    }

    private static void Fill(string folder, CheckpointFolder checkpoint, LoraFile lora)
    {
        var changed = lora.Entries.ToDictionary(e => e.Module + ".weight");
        string[] names = [.. checkpoint.Weights.Select(w => w.Name), .. checkpoint.UnusedNames];
        SafeTensors.Write(Path.Combine(folder, "model.safetensors"), names.Select(name => new NamedTensor(
            name,
            checkpoint.Info(name),
            stream => stream.Write(changed.TryGetValue(name, out var entry) ? Merged(checkpoint, lora, name, entry) : Bytes(checkpoint, name)))));
    }

    private static byte[] Bytes(CheckpointFolder checkpoint, string name)
    {
        checkpoint.RequireFinite(name);
        var bytes = new byte[checkpoint.Info(name).ByteCount];
        checkpoint.ReadBytes(name, 0, bytes);
        return bytes;
    }

    private static byte[] Merged(CheckpointFolder checkpoint, LoraFile lora, string name, LoraEntry entry)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var info = checkpoint.Info(name);
        using Scalar scale = lora.Config.Scale;
        Tensor Read(string half) => tensor(lora.Weights.ReadFloats(half)).view(lora.Weights.Info(half).Shape);
        var update = matmul(Read(entry.B), Read(entry.A)).mul(scale);
        var merged = tensor(checkpoint.ReadFloats(name)).view(info.Shape).Plus(update).data<float>().ToArray();
        var largest = info.Type == TensorType.F16 ? (float)Half.MaxValue : float.MaxValue;
        if (Array.FindIndex(merged, value => !(Math.Abs(value) <= largest)) is var at and >= 0)
        {
            throw new CheckpointException(
                $"'{name}' becomes {merged[at]} at [{string.Join(", ", info.Place(at))}] with the adapter; {info.Type} holds no more than {largest}. "
                    + "Is the adapter for this base?");
        }
        return info.Type switch
        {
            TensorType.F32 => MemoryMarshal.AsBytes<float>(merged).ToArray(),
            TensorType.F16 => MemoryMarshal.AsBytes<Half>(Array.ConvertAll(merged, v => (Half)v)).ToArray(),
            TensorType.BF16 => MemoryMarshal.AsBytes<ushort>(Array.ConvertAll(merged, Bfloat16)).ToArray(),
            _ => throw new CheckpointException($"'{name}' holds {info.Type}; F32, F16 or BF16 is needed."),
        };
    }

    /// <summary>The upper half of a float32, rounded to nearest, ties to even.</summary>
    private static ushort Bfloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)0x7FC0 : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
