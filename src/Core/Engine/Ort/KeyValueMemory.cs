using Microsoft.ML.OnnxRuntime;
using Vlm.Model;
using Vlm.Package;

namespace Vlm.Engine.Ort;

/// <summary>Keys and values of all layers, [rows, heads, capacity, head] each; the graph's past and present are the same memory.</summary>
internal sealed class KeyValueMemory : IDisposable
{
    private readonly PackageConfig _config;
    private readonly NativeTensor[] _keys;
    private readonly NativeTensor[] _values;
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
        NativeTensor Allocate(int layer) => new(first.ElementDataType, rows, _heads, Capacity, HeadSize);
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

    /// <summary>Copies the first <paramref name="length"/> places of one row to another.</summary>
    public void CopyRow(int from, int to, int length)
    {
        foreach (var tensor in _keys.Concat(_values))
        {
            var head = tensor.Bytes.Length / (Rows * _heads);
            var used = head / Capacity * length;
            for (var i = 0; i < _heads; i++)
                tensor.Bytes.Slice((from * _heads + i) * head, used).CopyTo(tensor.Bytes[((to * _heads + i) * head)..]);
        }
    }

    /// <summary>The rotated key of the pointer's head at one place.</summary>
    public void ReadPointerKey(int row, int place, Span<float> key) =>
        _keys[PointerHead.Layer(_keys.Length)].Read((row * _heads * Capacity + place) * HeadSize, key);

    public void Dispose()
    {
        foreach (var tensor in _keys.Concat(_values)) tensor.Dispose();
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
