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
    /// <summary>Loads a package with the engine and on the provider that are asked for. Does not look at hashes: see <see cref="ModelFolder.Open"/>.</summary>
    /// <exception cref="ModelException">A file is missing or damaged, or the engine cannot run the package.</exception>
    /// <exception cref="UserException">This build does not have the engine, or a provider that was asked for by name cannot be had.</exception>
    public static IVisionModel Open(string folder, EngineOptions? options = null)
    {
        options ??= new EngineOptions();
        var placement = ProviderChoice.Decide(options.Provider, ProviderLibraries.Facts(options.Kind)) switch
        {
            ProviderDecision.Use(var found) => found,
            ProviderDecision.Refuse(var why) => throw new UserException(why),
            _ => throw new UnreachableException(),
        };
        try
        {
            return Open(folder, options, placement);
        }
        catch (ProviderException e) when (options.Provider == ProviderKind.Auto)
        {
            return Open(folder, options, placement.FallBack(PlacementReason.DidNotStart, e.Message));
        }
    }

    /// <summary>What runs under an engine's name, with its version; null where this build does not have it.</summary>
    /// <exception cref="UserException">Its library cannot be loaded.</exception>
    public static string? Version(EngineKind kind) => kind switch
    {
        EngineKind.Ort => OnnxVlm.Version(),
#if GENAI
        EngineKind.Genai => GenAiVlm.Version(),
#endif
        _ => null,
    };

    /// <summary>Loads a package with an engine in a place that was chosen.</summary>
    internal static IVisionModel Open(string folder, EngineOptions options, Placement placement) => options.Kind switch
    {
        EngineKind.Ort => OnnxVlm.Open(folder, options, placement),
#if GENAI
        EngineKind.Genai => GenAiVlm.Open(folder, options, placement),
#else
        EngineKind.Genai => throw new UserException("This build does not have the engine 'genai'. Build with -p:Accelerator=genai, or ask for 'ort'."),
#endif
        _ => throw new UnreachableException($"There is no engine {options.Kind}."),
    };
}
