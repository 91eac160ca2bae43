using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Puzzles;

namespace Vlm.Bench.ServeLoad;

/// <summary>
/// The verb <c>serve-load</c>: closed-loop clients against running servers, in turns, so that what else the machine does falls on all of them alike.
/// </summary>
public static class ServeLoadCommand
{
    public static Command Create()
    {
        var url = new Option<string[]>("--url")
        {
            Description = "Base address of a server, such as http://127.0.0.1:8000/v1. Several are measured in turns.",
            Required = true,
            AllowMultipleArgumentsPerToken = true,
        };
        var key = new Option<string>("--key") { Description = "API key.", DefaultValueFactory = _ => "none" };
        var model = new Option<string>("--model") { Description = "Name of the model.", DefaultValueFactory = _ => "cryptogram-edge" };
        var clients = CheckedOption.Positive("--clients", "Clients that ask at the same time.", 8, most: 1024);
        var requests = CheckedOption.Positive("--requests", "Requests per server and round.", 64, most: 100_000);
        var rounds = CheckedOption.Positive("--rounds", "Rounds.", 4, most: 1000);
        var command = new Command("serve-load", "Requests per second and latency of running OpenAI-compatible servers, side by side.")
        {
            url, key, model, clients, requests, rounds,
        };
        command.SetAction(async (result, stop) =>
        {
            var run = new LoadRun(result.GetRequiredValue(key), result.GetRequiredValue(model), Questions(result.GetValue(requests)), result.GetValue(clients));
            var servers = result.GetRequiredValue(url).Select(each => new Uri(each.TrimEnd('/') + "/")).ToArray();
            var total = servers.Select(_ => new LoadResult()).ToArray();
            for (var round = 0; round < result.GetValue(rounds); round++)
            {
                for (var i = 0; i < servers.Length; i++) total[i].Add(await run.AgainstAsync(servers[i], stop));
            }
            Print(servers, total);
            return total.All(each => each.Failed == 0) ? ExitCode.Success : ExitCode.Failed;
        });
        return command;
    }

    private static void Print(Uri[] servers, LoadResult[] results)
    {
        Console.WriteLine($"{ThisMachine.Line}\n");
        Console.WriteLine("| server | answered | right | failed | requests/s | ratio | p50 ms | p95 ms |\n|---|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var (server, result) in servers.Zip(results))
        {
            Console.WriteLine($"| {server} | {result.Answered} | {result.Right} | {result.Failed} | {result.PerSecond:F2} "
                + $"| {result.PerSecond / results[0].PerSecond:F2} "
                + $"| {result.Percentile(0.5).TotalMilliseconds:F0} | {result.Percentile(0.95).TotalMilliseconds:F0} |");
        }
    }

    private static Puzzle[] Questions(int count)
    {
        var source = new PuzzleSource(PuzzleOptions.For(Split.Clean), seed: 7);
        // Drawing is no part of what is measured; 64 puzzles are enough variety, for nothing is remembered from one to the next.
        var drawn = Enumerable.Range(0, Math.Min(count, 64)).Select(i => source.At(i)).ToArray();
        return [.. Enumerable.Range(0, count).Select(i => drawn[i % drawn.Length])];
    }
}
