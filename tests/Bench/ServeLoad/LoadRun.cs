using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vlm.Cryptogram;
using Vlm.Puzzles;
using Vlm.Vision;

namespace Vlm.Bench.ServeLoad;

/// <summary>What a server did with its requests.</summary>
public sealed class LoadResult
{
    private readonly List<TimeSpan> _latencies = [];

    public int Answered => _latencies.Count;

    public int Right { get; private set; }

    public int Failed { get; private set; }

    public TimeSpan Wall { get; private set; }

    public double PerSecond => Answered / Wall.TotalSeconds;

    public void Answer(TimeSpan latency, bool isRight)
    {
        _latencies.Add(latency);
        if (isRight) Right++;
    }

    public void Fail() => Failed++;

    public void Took(TimeSpan wall) => Wall += wall;

    public void Add(LoadResult other)
    {
        _latencies.AddRange(other._latencies);
        (Right, Failed, Wall) = (Right + other.Right, Failed + other.Failed, Wall + other.Wall);
    }

    public TimeSpan Percentile(double share) =>
        _latencies.Count == 0 ? TimeSpan.Zero : _latencies.Order().ElementAt(Math.Min(_latencies.Count - 1, (int)(share * _latencies.Count)));
}

/// <summary>Clients that each ask, wait for the answer, and ask again until all questions are asked.</summary>
public sealed class LoadRun(string key, string model, IReadOnlyList<Puzzle> questions, int clients)
{
    private readonly byte[][] _bodies = [.. questions.Select(question => Body(model, question))];

    public async Task<LoadResult> AgainstAsync(Uri server, CancellationToken stop)
    {
        using var client = new HttpClient { BaseAddress = server, Timeout = TimeSpan.FromMinutes(5) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var result = new LoadResult();
        var next = -1;
        async Task Ask()
        {
            // Ends with the questions.
            while (Interlocked.Increment(ref next) is var i && i < questions.Count)
            {
                var start = Stopwatch.GetTimestamp();
                var answer = await OneAsync(client, _bodies[i], stop);
                lock (result)
                {
                    if (answer is null) result.Fail();
                    else result.Answer(Stopwatch.GetElapsedTime(start), answer == questions[i].Answer);
                }
            }
        }

        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Ask()));
        result.Took(Stopwatch.GetElapsedTime(began));
        return result;
    }

    /// <summary>The answer; empty when the reply cannot be read; null when there was none.</summary>
    private static async Task<string?> OneAsync(HttpClient client, byte[] body, CancellationToken stop)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await client.PostAsync("chat/completions", content, stop);
        if (!response.IsSuccessStatusCode) return null;
        using var json = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(stop));
        var text = json.RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();
        return ReplyParser.ParseWhole(text) is ReplyResult.Reply reply ? reply.Answer.ToLowerInvariant() : "";
    }

    private static byte[] Body(string model, Puzzle puzzle) => JsonSerializer.SerializeToUtf8Bytes(new JsonObject
    {
        ["model"] = model,
        ["messages"] = new JsonArray(new JsonObject
        {
            ["role"] = "user",
            ["content"] = new JsonArray(
                new JsonObject { ["type"] = "text", ["text"] = $"The coded message is: {puzzle.Code}" },
                new JsonObject
                {
                    ["type"] = "image_url",
                    ["image_url"] = new JsonObject { ["url"] = $"data:image/png;base64,{Convert.ToBase64String(ImageCodec.EncodePng(puzzle.Picture))}" },
                }),
        }),
    });
}
