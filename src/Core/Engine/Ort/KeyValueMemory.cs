using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Vlm.Model;
using Vlm.Package;

namespace Vlm.Engine.Ort;

/// <summary>
/// Keys and values of all layers, [rows, heads, capacity, head] each; the graph's past and present are the same memory, on the device that the graph runs on.
/// </summary>
internal sealed class KeyValueMemory : IDisposable
{
    private readonly PackageConfig _config;
    private readonly DeviceMemory? _device;
    private readonly TensorElementType _type;
    private readonly ITensorMemory[] _keys;
    private readonly ITensorMemory[] _values;
    private readonly int _heads;

    public KeyValueMemory(OnnxVlm vlm, int rows, int maxLength)
    {
        _config = vlm.Config;
        Rows = rows;
        // One place more than a row may hold: a row that is left as it is in a step still writes, to the place after its history.
        Capacity = maxLength + 1;
        var first = vlm.Text.InputMetadata[GraphContract.Layer(_config.Text.PastKey, 0)];
        _heads = first.Dimensions[1] > 0 ? first.Dimensions[1] : _config.KeyValueHeads;
        HeadSize = first.Dimensions[3] > 0 ? first.Dimensions[3] : _config.HeadSize;
        var layers = GraphContract.Layers(_config, vlm.Text);
        (_device, _type) = (vlm.Device, first.ElementDataType);
        ITensorMemory Allocate(int layer) => _device is null
            ? new NativeTensor(_type, rows, _heads, Capacity, HeadSize)
            : _device.Allocate(_type, rows, _heads, Capacity, HeadSize);
        _keys = [.. Enumerable.Range(0, layers).Select(Allocate)];
        _values = [.. Enumerable.Range(0, layers).Select(Allocate)];
    }

    public int Rows { get; }

    /// <summary>Places per row.</summary>
    public int Capacity { get; }

    public int HeadSize { get; }

    /// <summary>Binds rows as past and present. The returned views must outlive the binding's runs.</summary>
    public IDisposable Bind(OrtIoBinding binding, int firstRow, int rows)
    {
        var views = new Views();
        var shape = new[] { rows, _heads, Capacity, (long)HeadSize };
        for (var layer = 0; layer < _keys.Length; layer++)
        {
            var key = views.Add(_keys[layer].View(shape, firstRow));
            var value = views.Add(_values[layer].View(shape, firstRow));
            binding.BindInput(GraphContract.Layer(_config.Text.PastKey, layer), key);
            binding.BindInput(GraphContract.Layer(_config.Text.PastValue, layer), value);
            binding.BindOutput(GraphContract.Layer(_config.Text.PresentKey, layer), key);
            binding.BindOutput(GraphContract.Layer(_config.Text.PresentValue, layer), value);
        }
        return views;
    }

    /// <summary>Copies the first <paramref name="length"/> places of one row to another; on a device, all of them.</summary>
    public void CopyRow(int from, int to, int length)
    {
        foreach (var memory in _keys.Concat(_values))
        {
            if (memory is NativeTensor tensor) CopyRow(tensor, from, to, length);
            else CopyRow(memory, from, to);
        }
    }

    /// <summary>[places, head] the rotated keys of the pointer's head, at some places of a row.</summary>
    public float[] ReadPointerKeys(int row, ReadOnlySpan<int> places)
    {
        var keys = new float[places.Length * HeadSize];
        if (places.Length == 0) return keys;
        var memory = _keys[PointerHead.Layer(_keys.Length)];
        using var copy = memory is NativeTensor ? null : FirstHead(memory, row);
        var (tensor, start) = copy is null ? ((NativeTensor)memory, row * _heads * Capacity) : (copy, 0);
        for (var i = 0; i < places.Length; i++) tensor.Read((start + places[i]) * HeadSize, keys.AsSpan(i * HeadSize, HeadSize));
        return keys;
    }

    public void Dispose()
    {
        foreach (var tensor in _keys.Concat(_values)) tensor.Dispose();
    }

    private void CopyRow(NativeTensor tensor, int from, int to, int length)
    {
        var head = tensor.Bytes.Length / (Rows * _heads);
        var used = head / Capacity * length;
        for (var i = 0; i < _heads; i++)
            tensor.Bytes.Slice((from * _heads + i) * head, used).CopyTo(tensor.Bytes[((to * _heads + i) * head)..]);
    }

    private void CopyRow(ITensorMemory memory, int from, int to)
    {
        long[] shape = [1, _heads, Capacity, HeadSize];
        using var source = memory.View(shape, from);
        using var target = memory.View(shape, to);
        _device!.Copy(_type, source, target);
    }

    /// <summary>[capacity, head] of a row, brought to the processor.</summary>
    private NativeTensor FirstHead(ITensorMemory memory, int row)
    {
        var copy = new NativeTensor(_type, Capacity, HeadSize);
        using var source = memory.View(copy.Shape, row);
        _device!.Copy(_type, source, copy.Value);
        return copy;
    }

    private sealed class Views : IDisposable
    {
        private readonly List<OrtValue> _views = [];

        public OrtValue Add(OrtValue view)
        {
            _views.Add(view);
            return view;
        }

        public void Dispose()
        {
            foreach (var view in _views) view.Dispose();
        }
    }
}
