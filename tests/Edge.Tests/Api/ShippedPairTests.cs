using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;

namespace Vlm.Edge.Tests.Api;

/// <summary>The two shipped configurations and the two shipped models, as an operator starts them; only ports and folders are the test's.</summary>
public sealed class ShippedPairTests : IDisposable
{
    private readonly TestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_box_gets_the_larger_models_answer_with_a_key_and_without(bool hasKey)
    {
        var escalation = Sample("escalation.yaml", "http://127.0.0.1:8000", "http://127.0.0.1:0");
        if (hasKey)
        {
            var made = await Run("key", "--name", "box", "--keys", _files.File("keys.txt"), "--to", _files.File("box.key"));
            Assert.Equal(0, made);
            Replace(escalation, "# file: keys.txt", $"file: \"{_files.File("keys.txt")}\"");
        }
        using var server = Start("serve", "--config", escalation);
        try
        {
            var url = await ListeningAt(server);
            var edge = Sample("edge.yaml", "http://127.0.0.1:8000", url);
            Replace(edge, "http://127.0.0.1:8088", "http://127.0.0.1:0");
            Replace(edge, "state: state", $"state: \"{_files.File("state")}\"");
            Replace(edge, "folder: state/", $"folder: {_files.File("state")}/");
            if (hasKey) Replace(edge, "# api_key_file: /etc/edge/escalation.key", $"api_key_file: \"{_files.File("box.key")}\"");
            using var daemon = await DaemonProcess.StartAsync(edge);
            using var client = new HttpClient { BaseAddress = daemon.Url };
            while (!(await client.GetAsync(new Uri($"{url}/health/ready"), ServeRig.Stop)).IsSuccessStatusCode) await Task.Delay(50, ServeRig.Stop);

            var picture = Path.Combine(Repository.Root, "models", "cryptogram-edge", "samples", "published-example.png");
            var uri = $"data:image/png;base64,{Convert.ToBase64String(await File.ReadAllBytesAsync(picture, ServeRig.Stop))}";
            using var response = await client.PostAsJsonAsync(
                "/api/v1/solve", new { picture = uri, code = "l b p _ o c d", mode = "escalate-all" }, ServeRig.Stop);
            var answer = await response.Content.ReadFromJsonAsync<JsonElement>(ServeRig.Stop);

            Assert.Equal(("escalation", "cat dog"), (answer.GetProperty("answered_by").GetString(), answer.GetProperty("answer").GetString()));
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync(CancellationToken.None);
        }
    }

    private string Sample(string name, string listen, string other)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "deploy", name));
        File.WriteAllText(_files.File(name), text.Replace("models/", Path.Combine(Repository.Root, "models") + "/", StringComparison.Ordinal));
        Replace(_files.File(name), listen, other);
        return _files.File(name);
    }

    private static void Replace(string file, string what, string by)
    {
        var text = File.ReadAllText(file);
        Assert.Contains(what, text, StringComparison.Ordinal);
        File.WriteAllText(file, text.Replace(what, by, StringComparison.Ordinal));
    }

    private static async Task<int> Run(params string[] arguments)
    {
        using var process = Start(arguments);
        await process.WaitForExitAsync(ServeRig.Stop);
        return process.ExitCode;
    }

    private static Process Start(params string[] arguments)
    {
        var program = Path.Combine(AppContext.BaseDirectory.Replace("Edge.Tests", "Escalation", StringComparison.Ordinal),
            OperatingSystem.IsWindows() ? "Vlm.Escalation.exe" : "Vlm.Escalation");
        return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
    }

    private static async Task<string> ListeningAt(Process server)
    {
        const string Said = "Listening on ";
        while (await server.StandardOutput.ReadLineAsync(ServeRig.Stop) is { } line)
        {
            if (line.IndexOf(Said, StringComparison.Ordinal) is not (>= 0 and var at)) continue;
            _ = server.StandardOutput.ReadToEndAsync(ServeRig.Stop);
            return line[(at + Said.Length)..].Trim();
        }
        throw new InvalidOperationException("The larger model's service ended before it listened.");
    }
}
