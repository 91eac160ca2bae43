using System.Diagnostics;
using Vlm.Engine;
#if GENAI
using Vlm.Engine.GenAi;
#endif
using Vlm.Engine.Ort;
using Vlm.Package;

namespace Vlm.Solving;

/// <summary>The engines of this build: the one place that knows them all.</summary>
public static class Engines
{
    /// <summary>Loads a package with the engine that is asked for. Does not look at hashes: see <see cref="ModelFolder.Open"/>.</summary>
    /// <exception cref="ModelException">A file is missing or damaged, or the engine cannot run the package.</exception>
    /// <exception cref="UserException">This build does not have the engine.</exception>
    public static IVisionModel Open(string folder, EngineOptions? options = null) => (options ??= new EngineOptions()).Kind switch
    {
        EngineKind.Ort => OnnxVlm.Open(folder, options),
#if GENAI
        EngineKind.Genai => GenAiVlm.Open(folder, options),
#else
        EngineKind.Genai => throw new UserException("This build does not have the engine 'genai'. Build with -p:Accelerator=genai, or ask for 'ort'."),
#endif
        _ => throw new UnreachableException($"There is no engine {options.Kind}."),
    };
}
