using System.Text.Json;

namespace Vlm.Model;

/// <summary>
/// A Hugging Face checkpoint: <c>config.json</c> and one <c>model.safetensors</c>, or shards with an index. Tensors go by their canonical names.
/// </summary>
/// <remarks>Reads may run on several threads at once. The owner disposes it.</remarks>
public sealed class CheckpointFolder : IDisposable
{
    private readonly List<SafeTensors> _files;
    private readonly Dictionary<string, Place> _places;

    private CheckpointFolder(VlmConfig config, List<SafeTensors> files, Dictionary<string, Place> places)
    {
        Config = config;
        _files = files;
        _places = places;
        Weights = [.. WeightNames.All(config)];
        UnusedNames = [.. places.Keys.Except(Weights.Select(weight => weight.Name)).Order(StringComparer.Ordinal)];
    }

    /// <summary>The model's architecture.</summary>
    public VlmConfig Config { get; }

    /// <summary>Every weight of the architecture; all of them are there and have this shape.</summary>
    public IReadOnlyList<WeightSpec> Weights { get; }

    /// <summary>Tensors that the architecture has no place for, such as a separate head of a tied model.</summary>
    public IReadOnlyList<string> UnusedNames { get; }

    /// <summary>Opens a folder and checks that each weight is there and has the shape that the configuration asks for.</summary>
    /// <exception cref="CheckpointException">One message names every missing and every mis-shaped tensor.</exception>
    public static CheckpointFolder Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
            throw new CheckpointException($"There is no folder '{folder}'. Give the folder that holds config.json and model.safetensors.");
        VlmConfig config = VlmConfig.Load(Path.Combine(folder, "config.json"));
        var files = new List<SafeTensors>();
        try
        {
            foreach (string file in WeightFiles(folder))
                files.Add(SafeTensors.Open(file));
            var checkpoint = new CheckpointFolder(config, files, Places(folder, files));
            checkpoint.Check(folder);
            return checkpoint;
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>Whether there is a tensor of this canonical name.</summary>
    public bool Contains(string name) => _places.ContainsKey(name);

    /// <summary>Type and shape of a tensor by its canonical name.</summary>
    public TensorInfo Info(string name)
    {
        Place place = Find(name);
        return place.File.Info(place.Name);
    }

    /// <summary>A whole tensor as 32-bit floats.</summary>
    /// <exception cref="CheckpointException">It holds NaN or an infinity.</exception>
    public float[] ReadFloats(string name)
    {
        var values = new float[Info(name).Count];
        ReadFloats(name, 0, values);
        return values;
    }

    /// <summary>Part of a tensor as 32-bit floats: see <see cref="SafeTensors.ReadFloats(string, long, Span{float})"/>.</summary>
    /// <exception cref="CheckpointException">It holds NaN or an infinity: a model with one answers nothing, or nonsense.</exception>
    public void ReadFloats(string name, long firstElement, Span<float> destination)
    {
        Place place = Find(name);
        place.File.ReadFloats(place.Name, firstElement, destination);
        place.File.RequireFinite(place.Name, firstElement, destination);
    }

    /// <summary>Looks through a tensor without keeping it: see <see cref="SafeTensors.RequireFinite(string)"/>.</summary>
    public void RequireFinite(string name)
    {
        Place place = Find(name);
        place.File.RequireFinite(place.Name);
    }

    /// <summary>Part of a tensor's bytes as stored: see <see cref="SafeTensors.ReadBytes(string, long, Span{byte})"/>.</summary>
    public void ReadBytes(string name, long firstByte, Span<byte> destination)
    {
        Place place = Find(name);
        place.File.ReadBytes(place.Name, firstByte, destination);
    }

    /// <summary>Unmaps the files.</summary>
    public void Dispose() => _files.ForEach(file => file.Dispose());

    private static List<string> WeightFiles(string folder)
    {
        string single = Path.Combine(folder, "model.safetensors");
        string index = Path.Combine(folder, "model.safetensors.index.json");
        if (File.Exists(single))
            return [single];
        if (!File.Exists(index))
            throw new CheckpointException($"'{folder}' has neither model.safetensors nor model.safetensors.index.json. Is the download complete?");
        return Shards(folder, index);
    }

    private static List<string> Shards(string folder, string index)
    {
        using JsonDocument document = JsonFields.Open(index);
        if (!document.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
            throw new CheckpointException($"{index} has no 'weight_map' that names the file of each tensor.");
        var shards = new List<string>();
        foreach (JsonProperty entry in map.EnumerateObject())
        {
            string name = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";
            // The index comes from elsewhere: it may not lead out of the folder.
            if (name.Length == 0 || name != Path.GetFileName(name) || name is "." or "..")
                throw new CheckpointException($"{index} places '{entry.Name}' in {entry.Value.GetRawText()}; a file name in the same folder is needed.");
            if (!shards.Contains(name))
                shards.Add(name);
        }
        return [.. shards.Select(name => Path.Combine(folder, name))];
    }

    private static Dictionary<string, Place> Places(string folder, List<SafeTensors> files)
    {
        var places = new Dictionary<string, Place>(StringComparer.Ordinal);
        foreach (SafeTensors file in files)
        {
            foreach (string name in file.Names)
            {
                if (!places.TryAdd(WeightNames.Canonical(name), new Place(file, name)))
                {
                    throw new CheckpointException(
                        $"'{folder}' holds tensor '{WeightNames.Canonical(name)}' twice, in two files or under two generations of names.");
                }
            }
        }
        return places;
    }

    private void Check(string folder)
    {
        var problems = new List<string>();
        foreach (WeightSpec weight in Weights)
        {
            if (!_places.TryGetValue(weight.Name, out Place place))
            {
                problems.Add($"'{weight.Name}' is missing");
            }
            else if (!place.File.Info(place.Name).Shape.AsSpan().SequenceEqual(weight.Shape))
            {
                problems.Add(
                    $"'{weight.Name}' has shape [{string.Join(", ", place.File.Info(place.Name).Shape)}]; the config asks for "
                        + $"[{string.Join(", ", weight.Shape)}]");
            }
            else if (!place.File.Info(place.Name).IsFloat)
            {
                problems.Add($"'{weight.Name}' holds {place.File.Info(place.Name).Type}; F32, F16 or BF16 is needed");
            }
        }
        if (problems.Count > 0)
            throw new CheckpointException($"The weights in '{folder}' do not fit its config.json: {string.Join("; ", problems)}.");
    }

    private Place Find(string name) => _places.TryGetValue(name, out Place place)
        ? place
        : throw new CheckpointException($"The checkpoint has no tensor '{name}'.");

    private readonly record struct Place(SafeTensors File, string Name);
}
