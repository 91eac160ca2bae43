using TorchSharp;
using TorchSharp.Modules;
using Vlm.Model;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Vlm.Trainer.Model;

/// <summary>
/// The low-rank adapters of a model. The base is frozen, so only they get gradients; <see cref="Disabled"/> gives the base back, as
/// the reference model of a policy whose weights are these adapters.
/// </summary>
/// <example><code>
/// using var adapters = LoraAdapters.Attach(model, config);
/// using var optimizer = new Optimizer(adapters.Parameters, optimizerConfig);
/// using (adapters.Disabled()) reference = model.Logits(…);
/// </code></example>
public sealed class LoraAdapters : IDisposable
{
    private readonly QwenVl _model;
    private readonly LoraSwitch _state = new();
    private readonly SortedDictionary<string, LoraPair> _pairs = new(StringComparer.Ordinal);

    private LoraAdapters(QwenVl model, LoraConfig config, IEnumerable<string> modules)
    {
        if (model.Adapters is not null) throw new InvalidOperationException("The model has adapters already. Dispose of them before attaching others.");
        _model = model;
        Config = config;
        var layers = model.named_modules().Where(m => m.module is Linear).ToDictionary(m => m.name, m => (Linear)m.module);
        foreach (var parameter in model.parameters()) parameter.requires_grad = false;
        foreach (var module in modules) _pairs[module] = layers[module].Adapter = new LoraPair(layers[module], config, _state);
        model.Adapters = this;
        Parameters = [.. _pairs.SelectMany(p => new[] { (LoraFile.Names(p.Key).A, p.Value.A), (LoraFile.Names(p.Key).B, p.Value.B) })];
    }

    public LoraConfig Config { get; }

    /// <summary>What is trained: A [r, in] and B [out, r] of every adapted layer under PEFT's names, float32.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Parameters { get; }

    /// <summary>Numbers trained.</summary>
    public long Count => Parameters.Sum(p => p.Parameter.numel());

    /// <summary>Adds fresh adapters and freezes the base: A uniform in ±1/√in, B zero, so that the model at first is the base to the bit.</summary>
    /// <exception cref="InvalidDataException">The targets match nothing or something that cannot be adapted.</exception>
    public static LoraAdapters Attach(QwenVl model, LoraConfig config)
    {
        config.Validate("lora");
        return new LoraAdapters(model, config, config.Targets(model.Config));
    }

    /// <summary>Adds the adapters of a folder that PEFT (or <see cref="Save"/>) wrote and freezes the base.</summary>
    /// <exception cref="CheckpointException">Does not fit the model, or does what is not supported here.</exception>
    public static LoraAdapters Load(QwenVl model, string folder)
    {
        using var file = LoraFile.Open(folder, model.Config);
        var adapters = new LoraAdapters(model, file.Config, file.Entries.Select(e => e.Module));
        adapters.Fill(file);
        return adapters;
    }

    /// <summary>Takes up the numbers of a folder that holds the same layers.</summary>
    /// <exception cref="CheckpointException">Does not fit.</exception>
    public void Fill(string folder)
    {
        using var file = LoraFile.Open(folder, _model.Config);
        var found = file.Entries.Select(e => e.Module).ToHashSet();
        if (!found.SetEquals(_pairs.Keys) || file.Config.R != Config.R)
        {
            throw new CheckpointException(
                $"The adapter in '{folder}' has r = {file.Config.R} and {found.Count} layers; " +
                $"r = {Config.R} and the {_pairs.Count} layers of target_modules {Config.TargetModules} are expected.");
        }

        Fill(file);
    }

    /// <summary>Writes <c>adapter_config.json</c> and <c>adapter_model.safetensors</c> as PEFT does.</summary>
    public void Save(string folder) => LoraFile.Write(folder, Config, Parameters.Select(p => ModelWeights.Named(p.Name, p.Parameter)));

    /// <summary>Until the result is disposed of, the model computes as if there were no adapters.</summary>
    public IDisposable Disabled() => _state.Off();

    /// <summary>Takes the adapters out of the model. The base stays frozen.</summary>
    public void Dispose()
    {
        foreach (var pair in _pairs.Values) pair.Dispose();
        _pairs.Clear();
        _model.Adapters = null;
    }

    private void Fill(LoraFile file)
    {
        foreach (var entry in file.Entries)
        {
            ModelWeights.Fill(_pairs[entry.Module].A, file.Weights.ReadFloats(entry.A));
            ModelWeights.Fill(_pairs[entry.Module].B, file.Weights.ReadFloats(entry.B));
        }
    }
}

/// <summary>Whether the adapters of a model count; one object shared by all of them.</summary>
internal sealed class LoraSwitch
{
    private int _off;

    public bool IsOn => _off == 0;

    public IDisposable Off()
    {
        _off++;
        return new Back(this);
    }

    private sealed class Back(LoraSwitch owner) : IDisposable
    {
        private bool _disposed;

        public void Dispose()
        {
            if (!_disposed) owner._off--;
            _disposed = true;
        }
    }
}

/// <summary>scale · B · A of one linear layer.</summary>
internal sealed class LoraPair : IDisposable
{
    private readonly Linear _layer;
    private readonly LoraSwitch _state;
    private readonly Scalar _scale;

    public LoraPair(Linear layer, LoraConfig config, LoraSwitch state)
    {
        _layer = layer;
        _state = state;
        _scale = config.Scale;
        var (outputs, inputs) = (layer.Weight.shape[0], layer.Weight.shape[1]);
        using var scope = NewDisposeScope();
        A = scope.Detach(new Parameter(InitialWeights.Uniform([config.R, inputs]).to(layer.Weight.device)));
        B = scope.Detach(new Parameter(zeros(outputs, config.R, device: layer.Weight.device)));
    }

    public Parameter A { get; }

    public Parameter B { get; }

    /// <summary>The update for x [.., in], [.., out] in the type of x; null while adapters are off.</summary>
    public Tensor? Of(Tensor x) => _state.IsOn ? functional.linear(functional.linear(x, A.to(x.dtype)), B.to(x.dtype)).mul(_scale) : null;

    public void Dispose()
    {
        _layer.Adapter = null;
        A.Dispose();
        B.Dispose();
        _scale.Dispose();
    }
}
