using System.Security.Cryptography;
using System.Text;
using Vlm.Engine;
using Vlm.Gating;
using Vlm.Package;
using Vlm.Solving;

namespace Vlm.Escalation.Work;

/// <summary>A model package on the Core engine.</summary>
internal sealed class PackageModel(Solver solver, Gate? gate) : IModel
{
    public string Fingerprint { get; } = "fp_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        string.Join(
            '\n',
            solver.Folder.Manifest.Files.OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => $"{file.Key} {file.Value.Sha256}")))))[..12];

    public Placement Placement => solver.Placement;

    public Action<Placement>? Moved { set => solver.Moved = value; }

    public string ReplyStart => solver.ReplyStart;

    public int MaxNewTokens => solver.MaxNewTokens;

    /// <summary>Loads a package, with its gate if it has one.</summary>
    /// <exception cref="ModelException">It cannot be used.</exception>
    /// <exception cref="GateException">Its gate is damaged or belongs to another package.</exception>
    public static PackageModel Open(string folder, EngineOptions engine, SheetSearch? search = null)
    {
        var solver = Solver.Open(folder, engine, search);
        try
        {
            return new PackageModel(solver, Gate.Find(solver.Folder));
        }
        catch
        {
            solver.Dispose();
            throw;
        }
    }

    public Assessment? Assess(Solution solution) => gate?.Assess(solution);

    public bool IsStop(int token) => solver.IsStop(token);

    public byte[] Bytes(int token) => solver.Tokenizer.Bytes(token);

    public IReadOnlyList<Solution> Solve(IReadOnlyList<SolveRequest> requests, CancellationToken cancellation) => solver.Solve(requests, cancellation);

    public void Dispose() => solver.Dispose();
}
