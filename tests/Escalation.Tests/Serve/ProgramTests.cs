using System.Diagnostics;
using System.Runtime.InteropServices;
using Vlm.Edge.Tests;
using Vlm.Hosting;

namespace Vlm.Escalation.Tests.Serve;

/// <summary>The built program, as an operator runs it.</summary>
public sealed class ProgramTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vlm-escalation-").FullName;

    [Fact]
    public async Task It_serves_until_it_is_told_to_end_and_ends_with_0()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "SIGTERM is not a Windows signal.");
        var package = ScriptedPackage.Write(Path.Combine(_folder, "package"), "a");
        var config = Write($"listen: http://127.0.0.1:0\nmodel:\n  path: {package}\nkeys:\n  required: false\n");
        using var process = Start("serve", "--config", config);
        var lines = new List<string>();
        bool Said(string text) => lines.Any(line => line.Contains(text, StringComparison.Ordinal));
        while (await process.StandardOutput.ReadLineAsync(Cancellation) is { } line)
        {
            lines.Add(line);
            if (Said("Serves 'package'") && Said("API keys are not required")) break;
        }

        Assert.Equal(0, Kill(process.Id, 15));
        await process.WaitForExitAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        Assert.Equal(0, process.ExitCode);
        Assert.Contains("Ending: 0 requests in flight", await process.StandardOutput.ReadToEndAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_is_not_there_is_exit_code_1_and_its_message_in_the_log()
    {
        var (code, output, _) = await RunAsync("serve", "--config", Write("listen: http://127.0.0.1:0\nmodel:\n  path: nowhere\nkeys:\n  required: false\n"));
        Assert.Equal(1, code);
        Assert.Contains("The model folder 'nowhere' does not exist", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_configuration_is_exit_code_2_and_one_line()
    {
        var (code, _, errors) = await RunAsync("serve", "--config", Write("model:\n  path: m\nqueu: {}\n"));
        Assert.Equal(2, code);
        Assert.EndsWith("escalation.yaml', line 3 ('queu: {}'): there is no option 'queu' here. Is it misspelt?", errors.Trim(), StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync("serve")).Code);
        Assert.Equal(2, (await RunAsync("serve", "--config",
            Write("model:\n  path: m\nkeys:\n  required: true\n  environment: ESCALATION_NO_SUCH_VARIABLE\n"))).Code);
    }

    [Theory]
    [InlineData("http://203.0.113.1:8000", 1, "cannot be listened at")]
    [InlineData("http://no-such-host.invalid:8000", 2, "is not known here")]
    public async Task An_address_that_is_not_this_machines_is_one_clear_error(string listen, int expected, string said)
    {
        var (code, _, errors) = await RunAsync("serve", "--config", Write($"listen: {listen}\nmodel:\n  path: m\nkeys:\n  required: false\n"));
        Assert.Equal((expected, true), (code, errors.Contains(said, StringComparison.Ordinal)));
        Assert.Single(errors.Trim().Split('\n'));
    }

    [Fact]
    public async Task A_host_name_is_listened_at_where_it_points_and_nowhere_else()
    {
        var name = System.Net.Dns.GetHostName();
        try
        {
            Assert.SkipWhen(System.Net.Dns.GetHostAddresses(name).Length == 0, "This machine does not know its own name.");
        }
        catch (System.Net.Sockets.SocketException)
        {
            Assert.Skip("This machine does not know its own name.");
        }
        await using var server = await TestServer.StartAsync(new ScriptedModel(), TestServer.Options with { Listen = $"http://{name}:0" });
        Assert.All(server.App.Urls, url => Assert.DoesNotContain(new Uri(url).Host, (string[])["0.0.0.0", "[::]"]));
    }

    [Fact]
    public async Task The_verb_key_prints_a_key_and_the_line_that_lets_it_in()
    {
        var (code, output, _) = await RunAsync("key", "--name", "box-7");
        Assert.Equal(0, code);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var key = lines[0]["key:  ".Length..].Trim();
        Assert.Equal($"line: {ApiKeys.ToLine("box-7", key)}", lines[1].Trim());
        Assert.Equal(2, (await RunAsync("key", "--name", "two words")).Code);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Write(string text)
    {
        var path = Path.Combine(_folder, "escalation.yaml");
        File.WriteAllText(path, text);
        return path;
    }

    private static Process Start(params string[] arguments)
    {
        var program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Vlm.Escalation.exe" : "Vlm.Escalation");
        return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        var output = process.StandardOutput.ReadToEndAsync(Cancellation);
        var errors = process.StandardError.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        Assert.DoesNotContain("Unhandled", await errors, StringComparison.Ordinal);
        return (process.ExitCode, await output, await errors);
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
