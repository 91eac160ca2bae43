using System.Collections.Concurrent;
using System.Diagnostics;

namespace Vlm.Edge.Tests.Api;

/// <summary>The built program, serving.</summary>
internal sealed class DaemonProcess : IDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _log = new();

    private DaemonProcess(Process process, Uri url) => (_process, Url) = (process, url);

    public Uri Url { get; }

    /// <summary>Starts it and waits until it is ready.</summary>
    public static async Task<DaemonProcess> StartAsync(string config)
    {
        var program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Vlm.Edge.exe" : "Vlm.Edge");
        var process = Process.Start(new ProcessStartInfo(program, ["serve", "--config", config]) { RedirectStandardOutput = true })!;
        const string Ready = "Ready at ";
        while (await process.StandardOutput.ReadLineAsync(ServeRig.Stop) is { } line)
        {
            if (line.IndexOf(Ready, StringComparison.Ordinal) is not (>= 0 and var at)) continue;
            var daemon = new DaemonProcess(process, new Uri(line[(at + Ready.Length)..].Split(": ")[0]));
            _ = daemon.ReadAsync();
            return daemon;
        }
        throw new InvalidOperationException($"The daemon ended with {process.ExitCode} before it was ready.");
    }

    /// <summary>Whether a line of its log has a text.</summary>
    public bool HasSaid(string text) => _log.Any(line => line.Contains(text, StringComparison.Ordinal));

    public void Kill() => _process.Kill();

    /// <summary>Sends a signal by its name.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{_process.Id}"])!;
        kill.WaitForExit();
    }

    /// <summary>Its exit code, once it has ended.</summary>
    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync(ServeRig.Stop).WaitAsync(TimeSpan.FromMinutes(1), ServeRig.Stop);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line) _log.Enqueue(line);
    }
}
