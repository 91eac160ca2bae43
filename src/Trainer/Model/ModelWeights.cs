using Vlm.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Model;

/// <summary>Parameters of a module to and from safetensors; names are the module's own, which are Hugging Face's.</summary>
public static class ModelWeights
{
    /// <summary>Opens a checkpoint folder and builds its model.</summary>
    /// <exception cref="CheckpointException">A tensor is missing, has another shape or holds NaN or an infinity.</exception>
    public static QwenVl Load(CheckpointFolder checkpoint, Compute? compute = null)
    {
        var model = new QwenVl(checkpoint.Config, compute);
        foreach (var (name, parameter) in model.named_parameters()) Read(checkpoint, name, parameter);
        return model;
    }

    /// <summary>Bytes that are right as they are go to their place, without a copy in float32 beside a model that may fill the memory already.</summary>
    private static void Read(CheckpointFolder checkpoint, string name, Tensor parameter)
    {
        var isReady = parameter.dtype == bfloat16 && parameter.device_type == TorchSharp.DeviceType.CPU && checkpoint.Info(name).Type == TensorType.BF16;
        if (!isReady)
        {
            Fill(parameter, checkpoint.ReadFloats(name));
            return;
        }
        checkpoint.RequireFinite(name);
        checkpoint.ReadBytes(name, 0, parameter.bytes);
    }

    /// <summary>Overwrites the parameters of a module with those of a file that <see cref="Tensors"/> wrote.</summary>
    /// <exception cref="CheckpointException">A tensor is missing or holds NaN or an infinity.</exception>
    public static void Fill(nn.Module module, SafeTensors file)
    {
        foreach (var (name, parameter) in module.named_parameters())
        {
            file.RequireFinite(name);
            Fill(parameter, file.ReadFloats(name));
        }
    }

    /// <summary>Every parameter as a tensor to write, in a fixed order; each is copied when its turn comes, so the module must live until then.</summary>
    public static IEnumerable<NamedTensor> Tensors(nn.Module module)
        => module.named_parameters().OrderBy(p => p.name, StringComparer.Ordinal).Select(p => new NamedTensor(
            p.name, new TensorInfo(p.parameter.dtype == bfloat16 ? TensorType.BF16 : TensorType.F32, p.parameter.shape),
            stream => Named(p.name, p.parameter).WriteTo(stream)));

    /// <summary>A tensor under a name, copied now: bfloat16 as such, anything else as float32.</summary>
    public static NamedTensor Named(string name, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var values = tensor.detach().cpu().contiguous();
        return values.dtype == bfloat16
            ? NamedTensor.Bytes(name, new TensorInfo(TensorType.BF16, tensor.shape), values.bytes.ToArray())
            : NamedTensor.Floats(name, tensor.shape, values.data<float>().ToArray());
    }

    /// <summary>Overwrites a tensor's numbers.</summary>
    public static void Fill(Tensor destination, float[] values)
    {
        using var noGradient = no_grad();
        // The scope holds the temporaries: one that nothing holds may be freed in the middle of the native call that reads it.
        using var scope = NewDisposeScope();
        destination.copy_(tensor(values).view(destination.shape));
    }
}
