using Vlm.Engine;
using Vlm.Gating;
using Vlm.Solving;

namespace Vlm.Escalation.Work;

/// <summary>What the server needs of a model: one in a package, or a scripted one that needs no weights.</summary>
/// <remarks><see cref="Solve"/> is called by one worker only; everything else by any thread.</remarks>
internal interface IModel : IDisposable
{
    /// <summary>Tells two sets of weights apart.</summary>
    string Fingerprint { get; }

    /// <inheritdoc cref="Solver.Placement"/>
    Placement Placement { get; }

    /// <inheritdoc cref="Solver.Moved"/>
    Action<Placement>? Moved { set; }

    /// <inheritdoc cref="Solver.ReplyStart"/>
    string ReplyStart { get; }

    /// <inheritdoc cref="Solver.MaxNewTokens"/>
    int MaxNewTokens { get; }

    /// <inheritdoc cref="Solver.IsStop"/>
    bool IsStop(int token);

    /// <summary>The bytes that a token stands for.</summary>
    byte[] Bytes(int token);

    /// <summary>What the model's own gate makes of an answer; null without a gate.</summary>
    Assessment? Assess(Solution solution);

    /// <inheritdoc cref="Solver.Solve(IReadOnlyList{SolveRequest}, CancellationToken)"/>
    IReadOnlyList<Solution> Solve(IReadOnlyList<SolveRequest> requests, CancellationToken cancellation);
}
