using System.CommandLine;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Vlm.CommandLine;
using Vlm.Edge.Api;
using Vlm.Hosting.Http;

namespace Vlm.Edge.Commands;

/// <summary><c>dead-letters</c>: what the larger model was asked in vain, on a box that runs: list, send again, drop.</summary>
internal static class DeadLettersCommand
{
    private const string Path = "api/v1/dead-letters";
    private const string KeyVariable = "VLM_EDGE_KEY";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Command Create()
    {
        var url = new Option<string>("--url") { Description = "Address of the box.", DefaultValueFactory = _ => "http://127.0.0.1:8088", Recursive = true };
        var one = new Option<string?>("--id") { Description = "The one with this id." };
        var all = new Option<bool>("--all") { Description = "All of them." };
        var list = new Command("list", "Shows them, the oldest first.");
        list.SetAction((result, stop) => ListAsync(result.GetRequiredValue(url), stop));
        var resend = new Command("resend", "Sends them again, say after a wrong key was corrected.") { one, all };
        resend.SetAction((result, stop) => ActAsync(result.GetRequiredValue(url), HttpMethod.Post, (Which(result, one, all), "/resend"), stop));
        var drop = new Command("drop", "Drops them and their pictures.") { one, all };
        drop.SetAction((result, stop) => ActAsync(result.GetRequiredValue(url), HttpMethod.Delete, (Which(result, one, all), ""), stop));
        return new Command("dead-letters",
            $"Questions that the larger model was asked in vain, on a box that runs. Its key, if it needs one, is read from the variable {KeyVariable}.")
        {
            url, list, resend, drop,
        };
    }

    /// <returns>The id; null for all.</returns>
    private static string? Which(ParseResult result, Option<string?> one, Option<bool> all) => (result.GetValue(one), result.GetValue(all)) switch
    {
        ({ Length: > 0 } id, false) => id,
        (null, true) => null,
        _ => throw new UsageException("Say which: --id with an id of the list, or --all."),
    };

    private static async Task<int> ListAsync(string url, CancellationToken stop)
    {
        var found = await AskAsync(url, HttpMethod.Get, Path, ApiJson.Default.DeadLettersBody, stop);
        foreach (var dead in found.DeadLetters) Console.WriteLine($"{dead.Id}  {dead.Created:u}  {dead.Failure}  {dead.Detail.ReplaceLineEndings(" ")}");
        var rest = found.Total > found.DeadLetters.Count ? $", of which the oldest {found.DeadLetters.Count} are shown" : "";
        Console.WriteLine($"{found.Total} dead letters{rest}.");
        return ExitCode.Success;
    }

    private static async Task<int> ActAsync(string url, HttpMethod method, (string? Id, string Verb) what, CancellationToken stop)
    {
        var path = what.Id is { } id ? $"{Path}/{Uri.EscapeDataString(id)}{what.Verb}" : $"{Path}{what.Verb}";
        var done = await AskAsync(url, method, path, ApiJson.Default.CountBody, stop);
        Console.WriteLine($"{done.Count} dead letters {(method == HttpMethod.Delete ? "dropped" : "queued again")}.");
        return ExitCode.Success;
    }

    private static async Task<T> AskAsync<T>(string url, HttpMethod method, string path, JsonTypeInfo<T> type, CancellationToken stop)
    {
        if (!Uri.TryCreate(url.TrimEnd('/') + "/", UriKind.Absolute, out var root) || root.Scheme is not ("http" or "https"))
            throw new UsageException($"--url is an address such as http://127.0.0.1:8088, not '{url}'.");
        using var client = new HttpClient { Timeout = Patience };
        using var request = new HttpRequestMessage(method, new Uri(root, path));
        if (Environment.GetEnvironmentVariable(KeyVariable) is { Length: > 0 } key)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        try
        {
            using var response = await client.SendAsync(request, stop);
            if (response.IsSuccessStatusCode && await response.Content.ReadFromJsonAsync(type, stop) is { } answer) return answer;
            var said = response.IsSuccessStatusCode ? null : await response.Content.ReadFromJsonAsync(ErrorJson.Default.ErrorBody, stop);
            throw new UserException($"The box at {url} refuses ({(int)response.StatusCode}): {said?.Error.Message ?? "its answer is empty"}");
        }
        catch (HttpRequestException e)
        {
            throw new UserException($"The box at {url} cannot be reached: {e.Message} Is it running? --url gives its address.", e);
        }
        catch (JsonException e)
        {
            throw new UserException($"What answers at {url} is no box: {e.Message}", e);
        }
        catch (TaskCanceledException e) when (!stop.IsCancellationRequested)
        {
            throw new UserException($"The box at {url} did not answer within {Patience.TotalSeconds} s.", e);
        }
    }
}
