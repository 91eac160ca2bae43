using TorchSharp;
using TorchSharp.Modules;
using Vlm.Model;
using Vlm.Trainer.Model;
using static TorchSharp.torch;

namespace Vlm.Trainer.Optimization;

/// <summary>Step size, decay and momenta. Matrices inside the blocks are trained by Muon, everything else by AdamW.</summary>
public sealed record OptimizerConfig
{
    /// <summary>Weight decay of matrices, decoupled; biases, norms and embeddings have none. ≥ 0.</summary>
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>AdamW's first moment, in [0, 1).</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's second moment, in [0, 1). 0.98: batches are small and the gradient changes fast early on.</summary>
    public double Beta2 { get; init; } = 0.98;

    /// <summary>Muon's momentum, in [0, 1).</summary>
    public double MuonMomentum { get; init; } = 0.95;

    /// <summary>False trains the matrices by AdamW as well.</summary>
    public bool Muon { get; init; } = true;

    /// <summary>Moments of more than this do not move in bfloat16: what a step adds to them is lost in rounding.</summary>
    public const double SlowestBf16Moment = 0.98;

    /// <summary>Moments in the precision of bfloat16: half as large in a checkpoint. They are rounded after every step, so resuming stays exact.</summary>
    public bool Bf16Moments { get; init; }

    /// <summary>Greatest norm of the whole gradient; it is scaled down to it. &gt; 0.</summary>
    public double ClipNorm { get; init; } = 1;
}

/// <summary>
/// AdamW (arXiv 1711.05101) and Muon (Jordan 2024, github.com/KellerJordan/Muon) over named parameters, with a state that can be saved to the bit.
/// </summary>
/// <remarks>
/// The library's AdamW passes temporary scalars to native code, which fails at random after hundreds of steps, and its state
/// cannot be written as safetensors. Every scalar here is held in a local until the call has returned.
/// A parameter in bfloat16 has a master copy in float32 (arXiv 1710.03740): steps are taken there and rounded down into the parameter,
/// as a step is often smaller than bfloat16 can tell from nothing. Moments are always float32.
/// </remarks>
public sealed class Optimizer : IDisposable
{
    private const double Epsilon = 1e-8;
    private readonly OptimizerConfig _config;
    private readonly ScalarType _orthogonalization;
    private readonly List<Slot> _slots;
    private long _steps;

    /// <param name="parameters">What is moved.</param>
    /// <param name="config">How.</param>
    /// <param name="compute">The type of Muon's products is taken; everything else is float32, where the parameters are.</param>
    public Optimizer(IEnumerable<(string Name, Parameter Parameter)> parameters, OptimizerConfig config, Compute? compute = null)
    {
        (_config, _orthogonalization) = (config, (compute ?? Compute.Exact).Orthogonalization);
        _slots = [.. parameters.Select(p => new Slot(p.Name, p.Parameter, config))];
    }

    /// <summary>Chooses what is moved from now on. The rest gets no gradients, is left as it is and keeps its momenta.</summary>
    /// <param name="isMoved">By a parameter's name.</param>
    public void Choose(Func<string, bool> isMoved)
    {
        foreach (var slot in _slots) slot.Parameter.requires_grad = isMoved(slot.Name);
        DropGradients();
    }

    /// <summary>
    /// Gives up all gradients: what gets none before the next step is not moved by it, neither by momentum nor by decay, in a resumed run as in an unbroken
    /// one.
    /// </summary>
    public void DropGradients()
    {
        foreach (var slot in _slots) slot.Parameter.grad = null;
    }

    /// <summary>Clips the gradient to the configured norm, then moves every parameter that has one.</summary>
    /// <param name="learningRate">Step size of this step; Muon's update is scaled so that the same value serves both.</param>
    /// <returns>The gradient's norm before clipping.</returns>
    public double Step(double learningRate)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        _steps++;
        var active = _slots.Where(s => s.Parameter.grad is not null).ToList();
        var norm = GradientNorm(active);
        if (!double.IsFinite(norm))
        {
            throw new UserException(
                $"The gradient's norm is {norm} at step {_steps}. Lower the learning rate or resume from an earlier checkpoint.");
        }
        using var clip = (Scalar)(float)Math.Min(1, _config.ClipNorm / (norm + 1e-6));
        foreach (var slot in active)
        {
            // What one parameter's step needs is given back before the next: together it would be the model once more, and again.
            using var inner = NewDisposeScope();
            slot.Steps++;
            var gradient = slot.Parameter.grad!.to(float32).mul(clip);
            if (slot.ByMuon) MoveByMuon(slot, gradient, learningRate);
            else MoveByAdamW(slot, gradient, learningRate);
            if (_config.Bf16Moments) slot.RoundMoments();
            if (slot.Master is not null) slot.Parameter.copy_(slot.Master);
        }
        return norm;
    }

    /// <summary>The state as tensors and the numbers of steps.</summary>
    public IEnumerable<NamedTensor> State()
        => _slots.SelectMany(s => s.State(_config.Bf16Moments)).Append(NamedTensor.Longs("steps", [1], [_steps]));

    /// <summary>Takes up a saved state.</summary>
    public void Restore(SafeTensors file)
    {
        _steps = file.ReadLongs("steps")[0];
        foreach (var slot in _slots) slot.Restore(file);
    }

    public void Dispose()
    {
        foreach (var slot in _slots) slot.Dispose();
    }

    /// <summary>Whether a parameter decays, and whether Muon moves it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="dimensions">Of its shape.</param>
    /// <param name="config">May do without Muon.</param>
    internal static (bool Decays, bool ByMuon) Treatment(string name, int dimensions, OptimizerConfig config)
    {
        var matrix = dimensions >= 2;
        var table = name.Contains("embed_tokens", StringComparison.Ordinal) || name.Contains("lm_head", StringComparison.Ordinal);
        var head = name.StartsWith("auxiliary.", StringComparison.Ordinal);
        // Half of a low-rank update is no matrix whose directions should all be moved by the same amount.
        var adapter = name.Contains(".lora_", StringComparison.Ordinal);
        return (matrix && !table, config.Muon && matrix && !table && !head && !adapter);
    }

    private static double GradientNorm(List<Slot> active)
    {
        var squares = active.Select(s =>
        {
            using var inner = NewDisposeScope();
            return inner.MoveToOuter(s.Parameter.grad!.to(float32).square().sum());
        }).ToArray();
        return squares.Length == 0 ? 0 : Math.Sqrt(stack(squares).sum().to(float64).item<double>());
    }

    private void MoveByAdamW(Slot slot, Tensor gradient, double learningRate)
    {
        using Scalar beta1 = _config.Beta1, rest1 = 1 - _config.Beta1, beta2 = _config.Beta2, rest2 = 1 - _config.Beta2, epsilon = Epsilon;
        slot.Mean.mul_(beta1).add_(gradient, rest1);
        slot.Square!.mul_(beta2).addcmul_(gradient, gradient, rest2);
        using Scalar correction2 = 1 / Math.Sqrt(1 - Math.Pow(_config.Beta2, slot.Steps));
        using Scalar size = -learningRate / (1 - Math.Pow(_config.Beta1, slot.Steps));
        Decay(slot, learningRate);
        slot.Value.addcdiv_(slot.Mean, slot.Square.sqrt().mul_(correction2).add_(epsilon), size);
    }

    private void MoveByMuon(Slot slot, Tensor gradient, double learningRate)
    {
        using Scalar momentum = _config.MuonMomentum, rest = 1 - _config.MuonMomentum;
        slot.Mean.mul_(momentum).add_(gradient, rest);
        var nesterov = gradient.mul(rest).add_(slot.Mean, momentum);
        var matrix = nesterov.flatten(1);
        // 0.2·√(longer side): root mean square of an AdamW update, so that both share one learning rate (arXiv 2502.16982 eq. 4).
        using Scalar size = -learningRate * 0.2 * Math.Sqrt(Math.Max(matrix.shape[0], matrix.shape[1]));
        Decay(slot, learningRate);
        slot.Value.add_(Orthogonal(matrix, _orthogonalization).view(slot.Value.shape), size);
    }

    private void Decay(Slot slot, double learningRate)
    {
        if (!slot.Decays) return;
        using Scalar keep = 1 - learningRate * _config.WeightDecay;
        slot.Value.mul_(keep);
    }

    /// <summary>The nearest semi-orthogonal matrix, about: five quintic Newton–Schulz steps in a type; returned in float32.</summary>
    internal static Tensor Orthogonal(Tensor matrix, ScalarType type)
    {
        const int NewtonSchulzSteps = 5;
        using Scalar a = 3.4445, b = -4.7750, c = 2.0315;
        using var tiny = tensor(1e-7f);
        var tall = matrix.shape[0] > matrix.shape[1];
        var x = (tall ? matrix.t() : matrix) / matrix.norm().Plus(tiny);
        x = x.to(type);
        for (var i = 0; i < NewtonSchulzSteps; i++)
        {
            var gram = matmul(x, x.t());
            var polynomial = gram.mul(b).add_(matmul(gram, gram), c);
            x = x.mul(a).add_(matmul(polynomial, x));
        }
        x = x.to(float32);
        return tall ? x.t() : x;
    }

    /// <summary>One parameter with its moments.</summary>
    private sealed class Slot : IDisposable
    {
        public Slot(string name, Parameter parameter, OptimizerConfig config)
        {
            Name = name;
            Parameter = parameter;
            (Decays, ByMuon) = Treatment(name, parameter.shape.Length, config);
            using var noGradient = no_grad();
            Master = parameter.dtype == float32 ? null : parameter.detach().to(float32).DetachFromDisposeScope();
            Mean = zeros(parameter.shape, device: parameter.device).DetachFromDisposeScope();
            Square = ByMuon ? null : zeros(parameter.shape, device: parameter.device).DetachFromDisposeScope();
        }

        public string Name { get; }

        public Parameter Parameter { get; }

        /// <summary>The parameter in float32, when the parameter itself is not.</summary>
        public Tensor? Master { get; }

        /// <summary>What a step moves.</summary>
        public Tensor Value => Master ?? Parameter;

        public bool Decays { get; }

        public bool ByMuon { get; }

        public Tensor Mean { get; }

        public Tensor? Square { get; }

        public long Steps { get; set; }

        public void RoundMoments()
        {
            Mean.copy_(Mean.to(bfloat16));
            Square?.copy_(Square.to(bfloat16));
        }

        public IEnumerable<NamedTensor> State(bool bf16Moments)
        {
            yield return NamedTensor.Longs($"{Name}.steps", [1], [Steps]);
            yield return Moment("mean", Mean);
            if (Square is not null) yield return Moment("square", Square);
            if (Master is not null) yield return ModelWeights.Named($"{Name}.master", Master);

            NamedTensor Moment(string part, Tensor moment)
            {
                using var scope = NewDisposeScope();
                return ModelWeights.Named($"{Name}.{part}", bf16Moments ? moment.to(bfloat16) : moment);
            }
        }

        public void Restore(SafeTensors file)
        {
            Steps = file.ReadLongs($"{Name}.steps")[0];
            ModelWeights.Fill(Mean, file.ReadFloats($"{Name}.mean"));
            if (Square is not null) ModelWeights.Fill(Square, file.ReadFloats($"{Name}.square"));
            if (Master is null) return;
            ModelWeights.Fill(Master, file.ReadFloats($"{Name}.master"));
            using var noGradient = no_grad();
            Parameter.copy_(Master);
        }

        public void Dispose()
        {
            Mean.Dispose();
            Square?.Dispose();
            Master?.Dispose();
        }
    }
}
