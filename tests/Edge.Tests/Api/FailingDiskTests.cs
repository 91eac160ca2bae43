using System.Net;
using System.Text.Json;
using Vlm.Edge.Escalations;
using Vlm.Edge.Tests.Escalations;

namespace Vlm.Edge.Tests.Api;

/// <summary>
/// A daemon whose disk fails while it runs: the database is garbage, and where its folder was there is a file, so that no other can be begun. No request is a
/// fault of the program then, and when a folder can be there again everything goes on.
/// </summary>
public sealed class FailingDiskTests
{
    private const string DeadLetters = "/api/v1/dead-letters";

    // More than SQLite keeps in memory, so that it must read what is on the disk.
    private const int Many = 10, LongCode = 400_000;

    [Theory]
    [InlineData("GET", DeadLetters)]
    [InlineData("POST", DeadLetters + "/resend")]
    [InlineData("POST", DeadLetters + "/question-3/resend")]
    [InlineData("DELETE", DeadLetters)]
    [InlineData("DELETE", DeadLetters + "/question-3")]
    [InlineData("GET", "/api/v1/answers/question-3")]
    [InlineData("GET", "/api/v1/answers/question-3/picture")]
    [InlineData("POST", "/api/v1/answers/question-3/review")]
    public async Task What_needs_the_disk_is_503_and_says_what_to_do(string method, string path)
    {
        await using var rig = await Start();
        Break(rig);
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (path.EndsWith("/review", StringComparison.Ordinal))
            request.Content = new StringContent("""{"answer": "cat dog"}""", System.Text.Encoding.UTF8, "application/json");

        using var response = await rig.Client.SendAsync(request, ServeRig.Stop);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "storage_failed"), (response.StatusCode, Text(await Error(response), "code")));
        Assert.Equal(TimeSpan.FromSeconds(30), response.Headers.RetryAfter!.Delta);
        var message = Text(await Error(response), "message");
        Assert.Contains("mend it, then do it again", message, StringComparison.Ordinal);
        Assert.DoesNotContain(rig.Daemon.Config.State, message, StringComparison.Ordinal);
        Assert.Contains("code=\"storage_failed\"", await rig.Client.GetStringAsync("/metrics", ServeRig.Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_state_says_that_nothing_is_known_of_the_queue_and_everything_else()
    {
        await using var rig = await Start();
        Break(rig);

        var state = await rig.Until("/api/v1/state", found => found.GetProperty("alarms").GetArrayLength() > 0);

        Assert.Equal(JsonValueKind.Null, state.GetProperty("queue").ValueKind);
        Assert.Contains("cannot be read or written", Text(state, "queue_problem"), StringComparison.Ordinal);
        Assert.Equal("state", Text(state.GetProperty("alarms")[0], "kind"));
        Assert.Equal("package", Text(state, "model"));
    }

    [Fact]
    public async Task The_commands_end_with_what_the_box_says()
    {
        await using var rig = await Start();
        Break(rig);
        var url = rig.Client.BaseAddress!.ToString();

        foreach (var verb in (string[])["resend", "drop"])
        {
            var ended = await EdgeProcess.Run("dead-letters", verb, "--all", "--url", url);
            Assert.Equal(1, ended.ExitCode);
            Assert.Contains("refuses (503): The disk of the box cannot be read or written", ended.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", ended.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_page_says_it_where_it_is_decided()
    {
        await using var rig = await Start();
        Break(rig);
        using var form = new FormUrlEncodedContent([new("act", "drop")]);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/dead-letters") { Content = form };
        request.Headers.Add("Sec-Fetch-Site", "same-origin");

        using var response = await rig.Client.SendAsync(request, ServeRig.Stop);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "text/html"), (response.StatusCode, response.Content.Headers.ContentType!.MediaType));
        Assert.Contains("mend it, then do it again", await response.Content.ReadAsStringAsync(ServeRig.Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Questions_are_answered_meanwhile_and_when_a_folder_can_be_there_again_everything_goes_on()
    {
        await using var rig = await Start();
        var given = Text(await rig.Solve(), "id");
        var mend = Break(rig);

        Assert.Equal("cat dog", Text(await rig.Solve("a b c _ d e f"), "answer"));
        // What is remembered needs no disk.
        Assert.Equal("cat dog", Text((await rig.Get($"/api/v1/answers/{given}")).GetProperty("answer"), "answer"));
        mend();

        Assert.Equal(0, (await rig.Get(DeadLetters)).GetProperty("total").GetInt32());
        Assert.Equal("cat dog", Text(await rig.Solve("g h i _ j k l"), "answer"));
        await rig.Until("/api/v1/state", found =>
            found.GetProperty("queue").ValueKind == JsonValueKind.Object && found.GetProperty("alarms").GetArrayLength() == 0);
    }

    /// <summary>A box with dead letters, whose worker has come to rest.</summary>
    private static async Task<ServeRig> Start()
    {
        // Nobody is there: what is queued waits.
        var rig = await ServeRig.Start(0.99, "http://127.0.0.1:1/v1");
        await rig.Daemon.Worker!.StopAsync(ServeRig.Stop);
        var queue = rig.Daemon.Queue!;
        for (var i = 0; i < Many; i++) queue.TryEnqueue(Bench.Question($"question-{i}", new string('c', LongCode)));
        for (var i = 0; i < Many; i++) queue.Fail($"question-{i}", EscalationFailure.BadAnswer, "unreadable");
        return rig;
    }

    /// <returns>Makes room for another database; what was damaged is not there any more.</returns>
    private static Action Break(ServeRig rig)
    {
        var state = rig.Daemon.Config.State;
        foreach (var name in (string[])["box.db", "box.db-wal"])
        {
            using var file = new FileStream(Path.Combine(state, name), FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            var garbage = new byte[64 << 10];
            Array.Fill(garbage, (byte)0xA5);
            for (var at = 0L; at < file.Length; at += garbage.Length) file.Write(garbage);
        }
        Directory.Move(state, state + ".away");
        File.WriteAllText(state, "a file where the folder should be");
        return () => File.Delete(state);
    }

    private static async Task<JsonElement> Error(HttpResponseMessage response)
    {
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(ServeRig.Stop));
        return json.RootElement.GetProperty("error").Clone();
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
