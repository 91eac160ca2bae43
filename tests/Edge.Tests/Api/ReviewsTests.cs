using System.Net.Http.Json;
using System.Text.Json;
using Vlm.Edge.Storage;
using Vlm.Hosting;

namespace Vlm.Edge.Tests.Api;

/// <summary>Pictures and reviews: for people with the role, kept across restarts.</summary>
public sealed class ReviewsTests : IDisposable
{
    private readonly TestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Who_may_see_pictures_sees_them_and_says_what_they_say()
    {
        var keys = _files.File("keys");
        File.WriteAllLines(keys, [ApiKeys.ToLine("door", "k-ask"), ApiKeys.ToLine("eve", "k-see", Roles.Ask | Roles.See)]);
        await using var rig = await ServeRig.Start(0.5, null, config => config with
        {
            Server = config.Server with { ApiKeysFile = keys },
            Pictures = new PictureShelfOptions { ReserveBytes = 0 },
        });
        rig.Client.DefaultRequestHeaders.Authorization = new("Bearer", "k-ask");
        var id = (await rig.Solve()).GetProperty("id").GetString();
        Assert.Equal(403, (int)(await rig.Client.GetAsync($"/api/v1/answers/{id}/picture", ServeRig.Stop)).StatusCode);

        rig.Client.DefaultRequestHeaders.Authorization = new("Bearer", "k-see");
        using var picture = await rig.Client.GetAsync($"/api/v1/answers/{id}/picture", ServeRig.Stop);
        Assert.Equal("image/png", picture.Content.Headers.ContentType!.MediaType);
        Assert.Equal(ServeRig.Picture(), await picture.Content.ReadAsByteArrayAsync(ServeRig.Stop));
        Assert.Equal(404, (int)(await rig.Client.GetAsync("/api/v1/answers/nowhere/picture", ServeRig.Stop)).StatusCode);

        using var review = await rig.Post(new { answer = "Cat Fog" }, $"/api/v1/answers/{id}/review");
        Assert.False((await review.Content.ReadFromJsonAsync<JsonElement>(ServeRig.Stop)).GetProperty("agrees").GetBoolean());
        var kept = (await rig.Get($"/api/v1/answers/{id}")).GetProperty("review");
        Assert.Equal(("cat fog", "eve"), (kept.GetProperty("answer").GetString(), kept.GetProperty("by").GetString()));
        foreach (var wrong in (object[])[new { answer = "" }, new { answer = "c4t" }, new { answer = 7 }, new { }, "x"])
            Assert.Equal(400, (int)(await rig.Post(wrong, $"/api/v1/answers/{id}/review")).StatusCode);
        Assert.Equal(404, (int)(await rig.Post(new { answer = "cat" }, "/api/v1/answers/nowhere/review")).StatusCode);
    }

    [Fact]
    public async Task A_picture_is_kept_only_where_the_box_does_not_vouch_for_the_answer()
    {
        await using var rig = await ServeRig.Start(0.99, null, config => config with { Pictures = new PictureShelfOptions { ReserveBytes = 0 } });
        var id = (await rig.Solve()).GetProperty("id").GetString();
        Assert.Equal(404, (int)(await rig.Client.GetAsync($"/api/v1/answers/{id}/picture", ServeRig.Stop)).StatusCode);
    }
}
