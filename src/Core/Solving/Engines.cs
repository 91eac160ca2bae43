using System.Diagnostics;
using Vlm.Engine;
using Vlm.Engine.Ort;
using Vlm.Package;

namespace Vlm.Solving;

/// <summary>The engines of this build: the one place that knows them all.</summary>
public static class Engines
{
    /// <summary>Loads a package with the engine that is asked for. Does not look at hashes: see <see cref="ModelFolder.Open"/>.</summary>
    /// <exception cref="ModelException">A file is missing or damaged, or the engine cannot run the package.</exception>
    public static IVisionModel Open(string folder, EngineOptions? options = null) => (options ??= new EngineOptions()).Kind switch
    {
        EngineKind.Ort => OnnxVlm.Open(folder, options.Threads),
        _ => throw new UnreachableException($"There is no engine {options.Kind}."),
    };
}
