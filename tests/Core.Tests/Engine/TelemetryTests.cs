using System.Diagnostics;
using Vlm.Engine;
using Vlm.Solving;

namespace Vlm.Core.Tests.Engine;

/// <summary>ONNX Runtime does not phone home.</summary>
public sealed class TelemetryTests
{
    private const string SecondsVariable = "VLM_TEST_SESSION_SECONDS";
    private const string EngineVariable = "VLM_TEST_SESSION_ENGINE";
    private const string Calls = "open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,connect,sendto,sendmsg,sendmmsg";

    // The libraries look up their server within a minute of loading.
    private const string LongSeconds = "75";

    // The runtime opens its database within a second of loading.
    private const string Seconds = "4";

    [Fact]
    public async Task A_process_that_runs_a_session_writes_nothing_in_its_home()
    {
        using var home = new TempFolder();
        await RunSessionIn(home.Path, Seconds, EngineKind.Ort);
        Assert.DoesNotContain(Directory.EnumerateFiles(home.Path, "*", SearchOption.AllDirectories), IsTelemetry);
    }

    [Theory]
    [InlineData(EngineKind.Ort)]
#if GENAI
    [InlineData(EngineKind.Genai)]
#endif
    public async Task The_system_calls_of_an_engine_write_no_file_and_send_nothing(EngineKind engine)
    {
        using var home = new TempFolder();
        using var trace = new TempFolder();
        Assert.SkipUnless(OperatingSystem.IsLinux() && await CanTrace(), "strace is not installed here, or may not trace (apt-get install strace)");

        string[] strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-s", "300", "-e", $"trace={Calls}", "-o", trace.File("log")];
        await RunSessionIn(home.Path, LongSeconds, engine, strace);

        var calls = await File.ReadAllLinesAsync(trace.File("log"), TestContext.Current.CancellationToken);
        Assert.Contains(calls, call => call.Contains("text.onnx", StringComparison.Ordinal));
        Assert.DoesNotContain(calls, call => Writes(call) || Sends(call));
        Assert.Empty(Directory.EnumerateFileSystemEntries(home.Path));
    }

    [Theory]
    [InlineData("12 openat(AT_FDCWD, \"/home/u/.cache/x.db\", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 5", true)]
    [InlineData("12 openat(AT_FDCWD, \"/home/u/x\", O_WRONLY) = -1 ENOENT (No such file or directory)", false)]
    [InlineData("12 openat(AT_FDCWD, \"/etc/hosts\", O_RDONLY|O_CLOEXEC) = 5", false)]
    [InlineData("12 openat(AT_FDCWD, \"/dev/null\", O_RDWR) = 5", false)]
    [InlineData("12 mkdir(\"/home/u/.cache\", 0700) = 0", true)]
    [InlineData("12 connect(5, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"10.0.0.2\")}, 16) = 0", true)]
    [InlineData("12 sendto(5, \"x\", 1, 0, {sa_family=AF_INET6, sin6_port=htons(53)}, 28) = 1", true)]
    [InlineData("12 connect(5, {sa_family=AF_UNIX, sun_path=\"/var/run/nscd/socket\"}, 110) = -1 ENOENT (No such file or directory)", false)]
    public void What_counts_as_writing_or_sending_is_told_from_the_call(string call, bool counts) => Assert.Equal(counts, Writes(call) || Sends(call));

    [Fact]
    public void What_the_user_has_set_stands()
    {
        const string Variable = "ORT_DISABLE_TELEMETRY";
        Telemetry.Off();
        Assert.Equal("1", Environment.GetEnvironmentVariable(Variable));
        Environment.SetEnvironmentVariable(Variable, "yes");
        Telemetry.Off();
        Assert.Equal("yes", Environment.GetEnvironmentVariable(Variable));
        Environment.SetEnvironmentVariable(Variable, "1");
    }

    [Fact]
    public async Task A_session_runs_for_a_while()
    {
        // By itself a check that a session runs; as the child of the test above it lives long enough for telemetry to show.
        var engine = Environment.GetEnvironmentVariable(EngineVariable) is { } name ? Enum.Parse<EngineKind>(name) : EngineKind.Ort;
        using var vlm = Engines.Open(ReferencePackage.Package, new EngineOptions { Kind = engine, Threads = 1 });
        using var prompt = new ReferencePrompt(vlm, ReferencePackage.Case("one"));
        using var decoder = vlm.Allocate(1);
        Assert.Equal(2, ReferencePackage.Generate(decoder, [prompt.Prompt], ReferencePackage.Greedy(2))[0][0].Choices.Count);
        if (Environment.GetEnvironmentVariable(SecondsVariable) is { } seconds)
            await Task.Delay(TimeSpan.FromSeconds(int.Parse(seconds)), TimeProvider.System, TestContext.Current.CancellationToken);
    }

    // .NET itself may keep files in a home; the runtime's are in a folder of its vendor.
    private static bool IsTelemetry(string path) =>
        path.Contains("Microsoft", StringComparison.OrdinalIgnoreCase) || path.Contains("onnxruntime", StringComparison.OrdinalIgnoreCase);

    /// <summary>A call that makes or changes something in the file system, and succeeded. Devices and the process's own state are neither.</summary>
    private static bool Writes(string call)
    {
        bool Has(params string[] parts) => parts.Any(part => call.Contains(part, StringComparison.Ordinal));
        if (Has(" = -1 ", "\"/dev/", "\"/proc/")) return false;
        return Has(" open(", " openat(") ? Has("O_WRONLY", "O_RDWR", "O_CREAT") : Has(" creat(", " mkdir", " rename", " link", " symlink");
    }

    /// <summary>A call to another machine, or to a resolver that asks one.</summary>
    private static bool Sends(string call) => call.Contains("sa_family=AF_INET", StringComparison.Ordinal);

    private static async Task<bool> CanTrace()
    {
        try
        {
            var start = new ProcessStartInfo("strace", ["-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "true"]) { RedirectStandardError = true };
            using var process = Process.Start(start)!;
            await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static async Task RunSessionIn(string home, string seconds, EngineKind engine, params string[] under)
    {
        // Not this process's own path: that is dotnet where the tests were started as `dotnet Core.Tests.dll`.
        var tests = Path.Combine(AppContext.BaseDirectory, typeof(TelemetryTests).Assembly.GetName().Name!);
        string[] command = [.. under, tests, "-method", $"{typeof(TelemetryTests).FullName}.{nameof(A_session_runs_for_a_while)}"];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["HOME"] = home;
        start.Environment["XDG_CACHE_HOME"] = Path.Combine(home, ".cache");
        start.Environment[SecondsVariable] = seconds;
        start.Environment[EngineVariable] = engine.ToString();
        // Pipes for debuggers, which .NET makes in the folder for temporary files.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        start.Environment.Remove("ORT_DISABLE_TELEMETRY");
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output + await errors);
    }
}
