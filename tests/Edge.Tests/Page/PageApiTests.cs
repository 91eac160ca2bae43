using System.Net;
using System.Text;
using System.Text.Json;
using Vlm.Edge.Storage;
using Vlm.Edge.Tests.Api;
using Vlm.Edge.Tests.Escalations;
using Vlm.Hosting;
using Vlm.Hosting.Http;

namespace Vlm.Edge.Tests.Page;

/// <summary>The page over HTTP, as a browser without script asks for it and sends its forms.</summary>
public sealed class PageApiTests : IDisposable
{
    private readonly TestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task The_page_shows_the_last_answers_and_lets_nothing_run()
    {
        await using var rig = await ServeRig.Start(0.99, null);
        await rig.Solve();
        using var response = await rig.Client.GetAsync("/", ServeRig.Stop);
        var page = await response.Content.ReadAsStringAsync(ServeRig.Stop);

        Assert.Equal((HttpStatusCode.OK, "text/html", "utf-8"),
            (response.StatusCode, response.Content.Headers.ContentType!.MediaType, response.Content.Headers.ContentType.CharSet));
        Assert.Contains("The box works", page, StringComparison.Ordinal);
        Assert.Contains("<strong>cat dog</strong>", page, StringComparison.Ordinal);
        var policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'none';", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.True(response.Headers.CacheControl!.NoStore);
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
    }

    [Fact]
    public async Task Dead_letters_are_sent_again_and_dropped_by_forms_of_the_box_itself_alone()
    {
        var isRight = false;
        await using var endpoint = await ScriptedEndpoint.Start((context, seen) =>
            Volatile.Read(ref isRight) ? ScriptedEndpoint.Right(context, seen) : ScriptedEndpoint.Says(context, "no idea"));
        await using var rig = await ServeRig.Start(0.5, endpoint.Url);
        var first = (await rig.Solve(ServeRig.OtherCode, "answer-now")).GetProperty("id").GetString()!;
        var second = (await rig.Solve("a b c _ d e f", "answer-now")).GetProperty("id").GetString()!;
        await rig.Until("/api/v1/state", state => state.GetProperty("queue").GetProperty("dead").GetInt32() == 2);
        Assert.Contains($"name=\"id\" value=\"{first}\"", await PageAsync(rig), StringComparison.Ordinal);

        var own = rig.Client.BaseAddress!.GetLeftPart(UriPartial.Authority);
        Assert.Equal(403, await SendAsync(rig, "/dead-letters", $"id={second}&act=drop", origin: null));
        Assert.Equal(403, await SendAsync(rig, "/dead-letters", $"id={second}&act=drop", "http://evil.example"));
        Assert.Equal(403, await SendAsync(rig, "/dead-letters", $"id={second}&act=drop", "null"));
        Assert.Equal(415, await SendAsync(rig, "/dead-letters", $"id={second}&act=drop", own, "text/plain"));
        Assert.Equal(400, await SendAsync(rig, "/dead-letters", "id=other&act=drop", own));
        Assert.Equal(400, await SendAsync(rig, "/dead-letters", $"id={second}&act=burn", own));
        Assert.Equal(2, rig.Daemon.Queue!.Stats().Dead);

        Assert.Equal(303, await SendAsync(rig, "/dead-letters", $"id={second}&act=drop", own));
        Volatile.Write(ref isRight, true);
        Assert.Equal(303, await SendAsync(rig, "/dead-letters", "act=resend", own));
        await rig.Until($"/api/v1/answers/{first}", answer => answer.GetProperty("status").GetString() == "corrected");
        Assert.Equal(0, rig.Daemon.Queue.Stats().Dead);
        Assert.Contains("the larger model says: qxr wzp", await PageAsync(rig), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_sees_what_its_roles_say_and_a_browser_asks_for_it()
    {
        await using var rig = await WithKeys();
        using (var without = await rig.Client.GetAsync("/", ServeRig.Stop))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, without.StatusCode);
            Assert.Equal("Basic", Assert.Single(without.Headers.WwwAuthenticate).Scheme);
        }
        Use(rig, "k-door");
        await rig.Solve();
        Use(rig, "k-gate");
        var page = await PageAsync(rig);
        Assert.Contains("The box answers", page, StringComparison.Ordinal);
        Assert.Contains("None yet.", page, StringComparison.Ordinal);
        foreach (var hidden in (string[])["What it runs with", "Pictures to review", "door"]) Assert.DoesNotContain(hidden, page, StringComparison.Ordinal);
        var own = rig.Client.BaseAddress!.GetLeftPart(UriPartial.Authority);
        Assert.Equal(403, await SendAsync(rig, "/dead-letters", "act=drop", own));
        Assert.Equal(403, await SendAsync(rig, "/reviews", "id=a&answer=cat", own));

        Use(rig, "k-chief");
        page = await PageAsync(rig);
        foreach (var shown in (string[])["What it runs with", "<strong>cat dog</strong>"]) Assert.Contains(shown, page, StringComparison.Ordinal);
        Assert.DoesNotContain("Pictures to review", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_review_is_kept_from_the_form_and_one_that_cannot_be_is_told_on_the_page()
    {
        await using var rig = await WithKeys();
        Use(rig, "k-door");
        var id = (await rig.Solve()).GetProperty("id").GetString()!;
        Use(rig, "k-eve");
        Assert.Contains($"<img src=\"/api/v1/answers/{id}/picture\"", await PageAsync(rig), StringComparison.Ordinal);
        using (var picture = await rig.Client.GetAsync($"/api/v1/answers/{id}/picture", ServeRig.Stop))
            Assert.Equal(HttpStatusCode.OK, picture.StatusCode);

        var own = rig.Client.BaseAddress!.GetLeftPart(UriPartial.Authority);
        Assert.Equal(400, await SendAsync(rig, "/reviews", $"id={id}&answer=c4t", own));
        Assert.Equal(400, await SendAsync(rig, "/reviews", "id=unknown&answer=cat", own));
        Assert.Equal(303, await SendAsync(rig, "/reviews", $"id={id}&answer=Cat+Fog", own));

        var review = (await rig.Get($"/api/v1/answers/{id}")).GetProperty("review");
        Assert.Equal(("cat fog", "eve"), (review.GetProperty("answer").GetString(), review.GetProperty("by").GetString()));
        Assert.DoesNotContain("Pictures to review", await PageAsync(rig), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damaged_forms_and_keys_are_done_or_refused_and_never_a_500()
    {
        await using var endpoint = await ScriptedEndpoint.Start((context, _) => ScriptedEndpoint.Says(context, "no idea"));
        await using var rig = await ServeRig.Start(0.5, endpoint.Url);
        var own = rig.Client.BaseAddress!.GetLeftPart(UriPartial.Authority);
        foreach (var (path, form) in ((string, string)[])[("/dead-letters", "id=%41b%C3%A9&act=resend"), ("/reviews", "id=abc&answer=cat+dog")])
        {
            foreach (var bytes in Mutations.Of(Encoding.ASCII.GetBytes(form), 150, seed: 5))
                Assert.InRange(await SendAsync(rig, path, bytes, own), 200, 499);
        }
        foreach (var bytes in Mutations.Of("Basic YTpzZWNyZXQ="u8.ToArray(), 500, seed: 6)) _ = KeyCheck.KeyOf(Encoding.Latin1.GetString(bytes));
        Assert.Equal(["secret", "se:cret", "", null, null, "secret", null],
            new[] { "Basic YTpzZWNyZXQ=", "basic OnNlOmNyZXQ=", "Basic YTo=", "Basic YQ==", "Basic %", "Bearer secret ", "Digest x" }.Select(KeyCheck.KeyOf));
    }

    private async Task<ServeRig> WithKeys()
    {
        var keys = _files.File("keys");
        File.WriteAllLines(keys,
        [
            ApiKeys.ToLine("door", "k-door"), ApiKeys.ToLine("gate", "k-gate"), ApiKeys.ToLine("eve", "k-eve", Roles.See),
            ApiKeys.ToLine("chief", "k-chief", Roles.Operate),
        ]);
        return await ServeRig.Start(0.5, null, config => config with
        {
            Server = config.Server with { ApiKeysFile = keys },
            Pictures = new PictureShelfOptions { ReserveBytes = 0 },
        });
    }

    /// <summary>As a browser sends it.</summary>
    private static void Use(ServeRig rig, string key) =>
        rig.Client.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"whoever:{key}")));

    private static Task<string> PageAsync(ServeRig rig) => rig.Client.GetStringAsync("/", ServeRig.Stop);

    private static Task<int> SendAsync(ServeRig rig, string path, string form, string? origin, string type = "application/x-www-form-urlencoded") =>
        SendAsync(rig, path, Encoding.UTF8.GetBytes(form), origin, type);

    private static async Task<int> SendAsync(
        ServeRig rig, string path, byte[] form, string? origin, string type = "application/x-www-form-urlencoded")
    {
        // A browser would follow; the redirect itself is what is looked at.
        using var handler = new HttpClientHandler { AllowAutoRedirect = false };
        using var client = new HttpClient(handler) { BaseAddress = rig.Client.BaseAddress };
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(form) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        request.Headers.Authorization = rig.Client.DefaultRequestHeaders.Authorization;
        if (origin is not null) request.Headers.TryAddWithoutValidation("Origin", origin);
        using var response = await client.SendAsync(request, ServeRig.Stop);
        var body = await response.Content.ReadAsStringAsync(ServeRig.Stop);
        if (response.StatusCode == HttpStatusCode.BadRequest && body.StartsWith('<')) Assert.Contains("role=\"status\"", body, StringComparison.Ordinal);
        else if (response.StatusCode != HttpStatusCode.SeeOther) Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(body).RootElement.ValueKind);
        return (int)response.StatusCode;
    }
}
