using System.Runtime.InteropServices;

namespace Vlm.Engine;

/// <summary>What this build has beside the processor, and whether this machine has the libraries that it needs. Looks; decides nothing.</summary>
public static class ProviderLibraries
{
    /// <summary>What this build has beside the processor; null when it has nothing.</summary>
    public static ProviderKind? Built =>
#if CUDA
        ProviderKind.Cuda;
#elif DIRECTML
        ProviderKind.Directml;
#else
        null;
#endif

    /// <summary>What the choice of a provider depends on, on this machine.</summary>
    public static ProviderFacts Facts(EngineKind engine) => new(engine, Built, Built is { } built ? Missing(Needed(built)) : []);

    /// <summary>
    /// Everything that a provider's library is linked against and that no package brings, by the names that ONNX Runtime's own library asks the loader for:
    /// version 1.31 was built for CUDA 13, and cuRAND has a number of its own.
    /// </summary>
    public static IReadOnlyList<MissingLibrary> Needed(ProviderKind provider) => provider switch
    {
        ProviderKind.Cuda when OperatingSystem.IsWindows() =>
        [
            new("the NVIDIA driver", "nvcuda.dll"), new("the CUDA 13 runtime", "cudart64_13.dll"), new("cuBLAS", "cublas64_13.dll"),
            new("cuBLAS", "cublasLt64_13.dll"), new("cuRAND", "curand64_10.dll"),
        ],
        ProviderKind.Cuda =>
        [
            new("the NVIDIA driver", "libcuda.so.1"), new("the CUDA 13 runtime", "libcudart.so.13"), new("cuBLAS", "libcublas.so.13"),
            new("cuBLAS", "libcublasLt.so.13"), new("cuRAND", "libcurand.so.10"),
        ],
        // DirectML.dll comes with the package.
        ProviderKind.Directml => [new("Direct3D 12", "d3d12.dll")],
        _ => [],
    };

    /// <summary>Those of some libraries that the system's loader does not find.</summary>
    public static IReadOnlyList<MissingLibrary> Missing(IReadOnlyList<MissingLibrary> needed)
    {
        ArgumentNullException.ThrowIfNull(needed);
        return [.. needed.Where(library => !CanLoad(library.File))];
    }

    private static bool CanLoad(string file)
    {
        if (!NativeLibrary.TryLoad(file, out var library)) return false;
        NativeLibrary.Free(library);
        return true;
    }
}
