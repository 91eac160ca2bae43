using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Vlm.Engine.Ort;

/// <summary>
/// The memory of the device that a package's decoder runs on: what it holds never leaves the device but by <see cref="Copy"/>. There is none where the decoder
/// keeps keys and values with the processor, as it does for packages in float32 on CUDA, whose attention is not computed there.
/// </summary>
internal sealed class DeviceMemory : IDisposable
{
    private readonly IDisposable? _places;
    private readonly OrtAllocator _allocator;
    private readonly Func<SessionOptions> _options;
    private readonly RunOptions _run = new();
    private readonly Dictionary<TensorElementType, InferenceSession> _copiers = [];

    private DeviceMemory(InferenceSession session, OrtMemoryInfo place, IDisposable? places, Func<SessionOptions> options) =>
        (_allocator, Place, _places, _options) = (new OrtAllocator(session, place), place, places, options);

    /// <summary>Where it is, for outputs whose size is not known before.</summary>
    public OrtMemoryInfo Place { get; }

    /// <summary>The memory that a session takes an input from.</summary>
    /// <param name="session">It must outlive the memory.</param>
    /// <param name="input">The name of the input.</param>
    /// <param name="options">Makes options of sessions on the same device.</param>
    /// <param name="treatsHostAsDevice">For tests: the processor's own memory counts as a device's.</param>
    /// <returns>Null when the input is with the processor, which needs no such memory.</returns>
    public static DeviceMemory? Of(InferenceSession session, string input, Func<SessionOptions> options, bool treatsHostAsDevice)
    {
        if (treatsHostAsDevice) return new DeviceMemory(session, OrtMemoryInfo.DefaultInstance, places: null, options);
        var places = session.GetMemoryInfosForInputs();
        var place = places.ElementAt(session.InputNames.ToList().IndexOf(input));
        if (place.Name != OrtMemoryInfo.DefaultInstance.Name) return new DeviceMemory(session, place, places, options);
        places.Dispose();
        return null;
    }

    /// <summary>Zeroed memory for a tensor.</summary>
    public DeviceTensor Allocate(TensorElementType type, params long[] shape)
    {
        var tensor = new DeviceTensor(_allocator, type, shape);
        // A device hands out memory with what was in it before.
        using var zeros = new NativeTensor(type, shape);
        Copy(type, zeros.Value, tensor.Value);
        return tensor;
    }

    /// <summary>
    /// Copies a tensor to another of the same shape, each on either side. ONNX Runtime moves what is bound and has no call that only moves: a graph of one node
    /// does it.
    /// </summary>
    public void Copy(TensorElementType type, OrtValue source, OrtValue target)
    {
        if (!_copiers.TryGetValue(type, out var copier)) _copiers[type] = copier = CreateCopier(type);
        using var binding = copier.CreateIoBinding();
        binding.BindInput("x", source);
        binding.BindOutput("y", target);
        copier.RunWithBinding(_run, binding);
    }

    public void Dispose()
    {
        foreach (var copier in _copiers.Values) copier.Dispose();
        _run.Dispose();
        _allocator.Dispose();
        _places?.Dispose();
    }

    /// <summary>ir_version 8, opset 13, one node: y = Identity(x), of any shape.</summary>
    private InferenceSession CreateCopier(TensorElementType type)
    {
        ReadOnlySpan<byte> node = "\u000A\u0010\u000A\u0001x\u0012\u0001y\u0022\u0008Identity"u8, name = "\u0012\u0004copy"u8;
        var element = (byte)type;
        byte[] input = [0x5A, 9, 0x0A, 1, (byte)'x', 0x12, 4, 0x0A, 2, 0x08, element];
        byte[] output = [0x62, 9, 0x0A, 1, (byte)'y', 0x12, 4, 0x0A, 2, 0x08, element];
        byte[] graph = [.. node, .. name, .. input, .. output];
        using var options = _options();
        return new InferenceSession([0x08, 8, 0x3A, (byte)graph.Length, .. graph, 0x42, 2, 0x10, 13], options);
    }
}

/// <summary>A tensor in a device's memory, which the processor cannot look into.</summary>
internal sealed class DeviceTensor : ITensorMemory
{
    private readonly OrtMemoryAllocation _memory;
    private readonly TensorElementType _type;
    private readonly long[] _shape;

    public DeviceTensor(OrtAllocator allocator, TensorElementType type, long[] shape)
    {
        (_type, _shape) = (type, shape);
        _memory = allocator.Allocate(checked((uint)(NativeTensor.Count(shape) * NativeTensor.Size(type))));
        Value = View(shape);
    }

    public OrtValue Value { get; }

    public OrtValue View(long[] shape, long firstRow = 0)
    {
        var rowBytes = NativeTensor.Count(_shape) / _shape[0] * NativeTensor.Size(_type);
        var bytes = NativeTensor.Count(shape) * NativeTensor.Size(_type);
        if (firstRow * rowBytes + bytes > _memory.Size) throw new ArgumentOutOfRangeException(nameof(shape), "The view is larger than the tensor.");
        return OrtValue.CreateTensorValueWithData(_memory.Info, _type, shape, _memory.DangerousGetHandle() + (nint)(firstRow * rowBytes), bytes);
    }

    public void Dispose()
    {
        Value.Dispose();
        _memory.Dispose();
    }
}
