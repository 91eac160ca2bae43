using Microsoft.ML.OnnxRuntime;

namespace Vlm.Engine.Ort;

/// <summary>Sessions of ONNX Runtime on one of its providers: the one place that knows what each of them is told.</summary>
internal static class OrtProvider
{
    private const int Device = 0;

    /// <summary>Options of a session; dispose them.</summary>
    /// <exception cref="ProviderException">The provider does not start. Its error names no missing library: that was looked at before.</exception>
    public static SessionOptions Session(int threads, ProviderKind provider)
    {
        var options = new SessionOptions
        {
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        // Threads that spin while they wait are up to twice as fast on an idle machine and three times slower beside other work. A box has other work.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        try
        {
            Append(options, provider);
            return options;
        }
        catch (Exception e) when (e is OnnxRuntimeException or EntryPointNotFoundException or DllNotFoundException)
        {
            options.Dispose();
            throw new ProviderException($"{Placement.Name(provider)} does not start: {e.Message} To use it, {ProviderChoice.ToInstall(provider)}.", e);
        }
    }

    private static void Append(SessionOptions options, ProviderKind provider)
    {
        if (provider == ProviderKind.Cuda)
        {
            using var cuda = new OrtCUDAProviderOptions();
            // Memory grows by what is asked for, not by doubling: others use the card too. Without TF32 float32 is float32.
            cuda.UpdateOptions(new Dictionary<string, string>
            {
                ["device_id"] = $"{Device}",
                ["arena_extend_strategy"] = "kSameAsRequested",
                ["use_tf32"] = "0",
            });
            options.AppendExecutionProvider_CUDA(cuda);
        }
        else if (provider == ProviderKind.Directml)
        {
            // DirectML takes neither memory patterns nor parallel execution.
            options.EnableMemoryPattern = false;
            options.ExecutionMode = ExecutionMode.ORT_SEQUENTIAL;
            options.AppendExecutionProvider_DML(Device);
        }
    }
}
