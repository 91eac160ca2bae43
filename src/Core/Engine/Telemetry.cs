using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vlm.Engine;

/// <summary>Keeps ONNX Runtime from phoning home. A camera box sends nothing that its owner did not ask for.</summary>
/// <remarks>
/// ONNX Runtime 1.31 on Linux keeps a database under <c>~/.cache/Microsoft</c> and looks up a server within a minute of loading.
/// Only <c>ORT_DISABLE_TELEMETRY=1</c>, in the environment before its native library loads, prevents both: the switch in its API comes too late.
/// </remarks>
public static partial class Telemetry
{
    private const string Variable = "ORT_DISABLE_TELEMETRY";

    /// <summary>
    /// Switches ONNX Runtime's telemetry off for this process. Runs by itself when this assembly loads, so before any session can exist;
    /// calling it again is harmless. A value of <c>ORT_DISABLE_TELEMETRY</c> that the user has set stands, whatever it is.
    /// </summary>
#pragma warning disable CA2255 // A module initialiser is meant here: no code path may reach the native library before it.
    [ModuleInitializer]
#pragma warning restore CA2255
    public static void Off()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 }) return;
        Environment.SetEnvironmentVariable(Variable, "1");
        // On Unix, .NET keeps a copy of the environment of its own; native code reads libc's.
        if (!OperatingSystem.IsWindows()) _ = SetEnv(Variable, "1", 1);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetEnv(string name, string value, int overwrite);
}
