using System.Security.Cryptography;
using Vlm.Edge.Routing;
using Vlm.Gating;
using Vlm.Package;

namespace Vlm.Edge.Serve;

/// <summary>A package's gate and the watch over it.</summary>
internal sealed record Gates(Gate Gate, DriftMonitor Drift)
{
    /// <summary>What tells one gate from another: the hash of its file.</summary>
    public static string HashOf(ModelFolder model) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(model.Path, ModelFolder.GateName))));
}
