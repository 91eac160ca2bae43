using System.Diagnostics;
using System.Text.Json;

namespace Vlm.Escalation.Tests.Clients;

/// <summary>
/// The official npm client, at the version of <c>npm/package-lock.json</c>. Skipped where there is no node or the registry cannot be reached.
/// </summary>
public sealed class NpmClientTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_npm_client_works_unchanged()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "npm");
        await InstallAsync(folder);
        await using var server = await TestServer.StartAsync(new ScriptedModel());
        var picture = Path.Combine(folder, "picture.txt");
        await File.WriteAllTextAsync(picture, Requests.Uri(Requests.Picture), TestContext.Current.CancellationToken);

        var (code, output) = await RunAsync("node", folder, "client.mjs", new Uri(server.Url, "/v1").ToString(), TestServer.Key, picture);

        Assert.True(code == 0, output);
        using var json = JsonDocument.Parse(output);
        var said = json.RootElement;
        Assert.Equal("<think>\none two three", said.GetProperty("content").GetString());
        Assert.Equal("<think>\none two three", said.GetProperty("streamed").GetString());
        Assert.Equal(("stop", "stop", 2, true), (said.GetProperty("finish").GetString(), said.GetProperty("streamFinish").GetString(),
            said.GetProperty("alternatives").GetInt32(), said.GetProperty("total").GetBoolean()));
        Assert.Equal("scripted", said.GetProperty("models")[0].GetString());
        Assert.Equal(("NotFoundError", 404, "model_not_found", "model"), Failure(said, "wrongModel"));
        Assert.Equal(("BadRequestError", 400, "invalid_request", "temperature"), Failure(said, "wrongParameter"));
        Assert.Equal(("AuthenticationError", 401, "invalid_api_key", null), Failure(said, "wrongKey"));
    }

    private static (string?, int, string?, string?) Failure(JsonElement said, string name)
    {
        var failure = said.GetProperty(name);
        return (failure.GetProperty("kind").GetString(), failure.GetProperty("status").GetInt32(), failure.GetProperty("code").GetString(),
            failure.GetProperty("param").GetString());
    }

    private static async Task InstallAsync(string folder)
    {
        if (File.Exists(Path.Combine(folder, "node_modules", "openai", "package.json"))) return;
        var (code, output) = await RunAsync("npm", folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0", "--fetch-timeout=20000");
        if (code != 0) Assert.Skip($"npm cannot install the client here: {output}");
    }

    private static async Task<(int Code, string Output)> RunAsync(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, process.ExitCode == 0 ? await output : await output + await errors);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            Assert.Skip($"'{program}' is not installed here: {e.Message}");
            throw;
        }
    }
}
