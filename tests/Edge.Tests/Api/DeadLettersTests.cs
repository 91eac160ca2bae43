using System.Net;
using System.Text.Json;
using Vlm.Edge.Tests.Escalations;

namespace Vlm.Edge.Tests.Api;

/// <summary>A question that the larger model answers with rubbish: seen, sent again and dropped, by the API and by the command.</summary>
public sealed class DeadLettersTests
{
    private const string Path = "/api/v1/dead-letters";

    [Fact]
    public async Task A_dead_letter_is_listed_ends_the_waiting_and_is_answered_when_it_is_sent_again()
    {
        var isRight = false;
        await using var endpoint = await ScriptedEndpoint.Start((context, seen) =>
            isRight ? ScriptedEndpoint.Right(context, seen) : ScriptedEndpoint.Says(context, "no idea"));
        await using var rig = await ServeRig.Start(0.5, endpoint.Url);
        var id = (await rig.Solve(ServeRig.OtherCode, "answer-now")).GetProperty("id").GetString()!;

        var list = await rig.Until(Path, found => found.GetProperty("total").GetInt32() == 1);
        var dead = list.GetProperty("dead_letters")[0];
        Assert.Equal((id, ServeRig.OtherCode, "cat dog", "bad_answer"),
            (Text(dead, "id"), Text(dead, "code"), Text(dead, "local_answer"), Text(dead, "failure")));
        var stored = await rig.Get($"/api/v1/answers/{id}");
        Assert.Equal("not_corrected", Text(stored, "status"));
        Assert.StartsWith("bad_answer: ", Text(stored, "failure"), StringComparison.Ordinal);

        isRight = true;
        Assert.Equal(1, await Count(await rig.Client.PostAsync($"{Path}/{id}/resend", null, ServeRig.Stop)));
        await rig.Until($"/api/v1/answers/{id}", answer => Text(answer, "status") == "corrected");
        Assert.Equal(0, (await rig.Get(Path)).GetProperty("total").GetInt32());
    }

    [Fact]
    public async Task A_dropped_one_is_gone_and_an_unknown_one_is_404()
    {
        await using var endpoint = await ScriptedEndpoint.Start((context, _) => ScriptedEndpoint.Says(context, "no idea"));
        await using var rig = await ServeRig.Start(0.5, endpoint.Url);
        var id = (await rig.Solve(ServeRig.OtherCode, "answer-now")).GetProperty("id").GetString()!;
        await rig.Until(Path, found => found.GetProperty("total").GetInt32() == 1);

        Assert.Equal(HttpStatusCode.NotFound, (await rig.Client.DeleteAsync($"{Path}/other", ServeRig.Stop)).StatusCode);
        Assert.Equal(1, await Count(await rig.Client.DeleteAsync($"{Path}/{id}", ServeRig.Stop)));
        Assert.Equal(0, (await rig.Get("/api/v1/state")).GetProperty("queue").GetProperty("dead").GetInt32());
        Assert.Equal(0, await Count(await rig.Client.DeleteAsync(Path, ServeRig.Stop)));
    }

    [Fact]
    public async Task A_box_that_works_alone_says_that_it_has_none()
    {
        await using var rig = await ServeRig.Start(0.99, null);
        using var response = await rig.Client.GetAsync(Path, ServeRig.Stop);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains("no larger model", await response.Content.ReadAsStringAsync(ServeRig.Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_lists_sends_again_and_drops()
    {
        await using var endpoint = await ScriptedEndpoint.Start((context, _) => ScriptedEndpoint.Says(context, "no idea"));
        await using var rig = await ServeRig.Start(0.5, endpoint.Url);
        var id = (await rig.Solve(ServeRig.OtherCode, "answer-now")).GetProperty("id").GetString()!;
        await rig.Until(Path, found => found.GetProperty("total").GetInt32() == 1);
        var url = rig.Client.BaseAddress!.ToString();

        var listed = await EdgeProcess.Run("dead-letters", "list", "--url", url);
        Assert.Equal(0, listed.ExitCode);
        Assert.Matches($"^{id}  .*bad_answer.*\n1 dead letters\\.", listed.Output.ReplaceLineEndings("\n"));
        Assert.Equal(2, (await EdgeProcess.Run("dead-letters", "drop", "--url", url)).ExitCode);
        var unknown = await EdgeProcess.Run("dead-letters", "resend", "--id", "other", "--url", url);
        Assert.Equal((1, true), (unknown.ExitCode, unknown.Errors.Contains("There is no dead letter 'other'", StringComparison.Ordinal)));
        Assert.Contains("1 dead letters dropped.", (await EdgeProcess.Run("dead-letters", "drop", "--all", "--url", url)).Output, StringComparison.Ordinal);
        var nowhere = await EdgeProcess.Run("dead-letters", "list", "--url", "http://127.0.0.1:1");
        Assert.Equal((1, true), (nowhere.ExitCode, nowhere.Errors.Contains("Is it running?", StringComparison.Ordinal)));
    }

    private static async Task<int> Count(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(ServeRig.Stop);
        Assert.True(response.IsSuccessStatusCode, text);
        using var json = JsonDocument.Parse(text);
        return json.RootElement.GetProperty("count").GetInt32();
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
