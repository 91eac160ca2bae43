using Vlm.Trainer.Commands;
using Vlm.Trainer.Hub;

namespace Vlm.Trainer.Tests.Hub;

/// <summary>A checkpoint from a hub into the cache, over real HTTP.</summary>
public sealed class FetchTests : IAsyncLifetime
{
    private const string Large = "model-00001-of-00002.safetensors";
    private readonly string _cache = Directory.CreateTempSubdirectory("hub").FullName;
    private readonly List<string> _said = [];
    private HubServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await HubServer.Start();

    [Fact]
    public async Task Weights_configuration_and_tokenizer_arrive_in_the_layout_of_the_hubs_own_client_and_nothing_else()
    {
        var folder = await Fetch();

        var repository = Path.Combine(_cache, "models--Qwen--Tiny-VL");
        Assert.Equal(Path.Combine(repository, "snapshots", HubServer.Commit), folder);
        string[] expected = ["config.json", Large, "model-00002-of-00002.safetensors", "tokenizer.json"];
        Assert.Equal(expected, Directory.EnumerateFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (var name in expected) Assert.Equal(_server.Files[name], await File.ReadAllBytesAsync(Path.Combine(folder, name), Stop));
        Assert.Equal(Path.Combine("..", "..", "blobs", HubServer.Hash(_server.Files[Large])), new FileInfo(Path.Combine(folder, Large)).LinkTarget);
        Assert.Equal(HubServer.Commit, await File.ReadAllTextAsync(Path.Combine(repository, "refs", "main"), Stop));
        Assert.False(File.Exists(Path.Combine(_cache, "outside.json")));
    }

    [Fact]
    public async Task What_is_there_is_not_fetched_again()
    {
        await Fetch();
        var before = _server.Requests.Count;

        var plan = await Hub().PlanAsync(HubServer.Repository, HubServer.Commit, Stop);
        await Hub().RunAsync(plan, _ => Assert.Fail("nothing is to arrive"), Stop);

        Assert.Equal(before, _server.Requests.Count);
        Assert.Equal(plan.Bytes, plan.Known);
    }

    [Fact]
    public async Task A_transfer_that_breaks_off_goes_on_where_it_was()
    {
        _server.BreakOff = (100_000, 2);

        var folder = await Fetch();

        Assert.Equal(_server.Files[Large], await File.ReadAllBytesAsync(Path.Combine(folder, Large), Stop));
        var start = $"store {Large}";
        var requests = _server.Requests.Where(request => request.StartsWith(start, StringComparison.Ordinal));
        string[] ranges = [.. requests.Select(request => request[start.Length..])];
        Assert.Equal(3, ranges.Length);
        Assert.Equal("", ranges[0]);
        Assert.All(ranges[1..], range => Assert.StartsWith(" bytes=", range, StringComparison.Ordinal));
        Assert.Equal(2, _said.Count);
        Assert.Contains("again in 1 s", _said[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fetch_that_was_ended_goes_on_in_the_next_one_and_from_the_beginning_where_the_server_cannot()
    {
        _server.BreakOff = (20_000, HubFetch.Attempts);
        var error = await Assert.ThrowsAsync<HubException>(() => Fetch());
        Assert.Contains("The same command goes on where it was", error.Message, StringComparison.Ordinal);

        (_server.BreakOff, _server.IgnoresRanges) = ((0, 0), true);
        var plan = await Hub().PlanAsync(HubServer.Repository, "main", Stop);
        Assert.InRange(plan.Known, 1, plan.Bytes);
        var arrived = plan.Known;
        var folder = await Hub().RunAsync(plan, bytes => arrived += bytes, Stop);

        Assert.Equal(plan.Bytes, arrived);
        Assert.Equal(_server.Files[Large], await File.ReadAllBytesAsync(Path.Combine(folder, Large), Stop));
    }

    [Theory]
    [InlineData(Large)]
    [InlineData("tokenizer.json")]
    public async Task A_file_that_is_not_the_one_that_was_listed_is_thrown_away(string name)
    {
        _server.Damaged = file =>
        {
            byte[] bytes = [.. _server.Files[file]];
            if (file == name) bytes[^1] ^= 1;
            return bytes;
        };

        var error = await Assert.ThrowsAsync<HubException>(() => Fetch());

        Assert.Contains($"{name} of Qwen/Tiny-VL arrived with the hash", error.Message, StringComparison.Ordinal);
        _server.Damaged = null;
        Assert.Equal(_server.Files[name], await File.ReadAllBytesAsync(Path.Combine(await Fetch(), name), Stop));
    }

    [Fact]
    public async Task The_token_opens_the_hub_and_is_not_told_to_where_it_redirects()
    {
        _server.Token = "secret";
        var stranger = await Assert.ThrowsAsync<HubException>(() => Fetch());
        Assert.Contains("Set HF_TOKEN", stranger.Message, StringComparison.Ordinal);
        Assert.Contains("Access to model is restricted", stranger.Message, StringComparison.Ordinal);

        await Fetch(token: "secret");

        Assert.Contains("hub config.json  Bearer secret", _server.Requests);
        Assert.All(_server.Requests.Where(request => request.StartsWith("store", StringComparison.Ordinal)), request =>
            Assert.DoesNotContain("secret", request, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_name_that_has_moved_is_followed_and_a_hub_that_is_unwell_is_asked_again()
    {
        _server.Unwell = 2;

        var plan = await Hub().PlanAsync("Old/Name", "main", Stop);

        Assert.Equal(HubServer.Commit, plan.Listing.Commit);
        Assert.Equal(2, _said.Count(line => line.Contains("503", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("Qwen/Other", "main", "has no Qwen/Other at 'main'")]
    [InlineData(HubServer.Repository, "v9", "at 'v9'")]
    [InlineData("no-owner", "main", "is no repository")]
    [InlineData("../../etc", "main", "is no repository")]
    [InlineData(HubServer.Repository, "../x", "is no branch")]
    public async Task What_is_not_there_is_one_clear_error(string repository, string revision, string message)
    {
        var error = await Assert.ThrowsAsync<HubException>(() => Hub().PlanAsync(repository, revision, Stop));

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repository_without_safetensors_is_no_checkpoint()
    {
        foreach (var name in _server.Files.Keys.Where(name => name.EndsWith(".safetensors", StringComparison.Ordinal)).ToArray()) _server.Files.Remove(name);

        var error = await Assert.ThrowsAsync<HubException>(() => Fetch());

        Assert.Contains("weights in safetensors", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Endpoint_cache_and_token_come_from_the_environment_as_the_hubs_own_client_reads_it()
    {
        Directory.CreateDirectory(Path.Combine(_cache, "home"));
        File.WriteAllText(Path.Combine(_cache, "home", "token"), "from-home\n");
        File.WriteAllText(Path.Combine(_cache, "named"), "from-file\n");
        HubPlace From(string? file, params (string Name, string Value)[] variables) =>
            HubPlace.From(name => variables.FirstOrDefault(variable => variable.Name == name).Value, "/home/u", file);

        Assert.Equal(new HubPlace(new Uri("https://huggingface.co"), Path.Combine("/home/u", ".cache", "huggingface", "hub"), null), From(null));
        var home = From(null, ("HF_HOME", Path.Combine(_cache, "home")), ("HF_ENDPOINT", "http://mirror:8080/"));
        Assert.Equal(("http://mirror:8080/", Path.Combine(_cache, "home", "hub"), "from-home"), (home.Endpoint.ToString(), home.Cache, home.Token));
        Assert.Equal("from-variable", From(null, ("HF_TOKEN", "from-variable"), ("HF_HOME", Path.Combine(_cache, "home"))).Token);
        Assert.Equal("from-file", From(Path.Combine(_cache, "named"), ("HF_TOKEN", "from-variable")).Token);
        Assert.Equal("/elsewhere", From(null, ("HF_HUB_CACHE", "/elsewhere")).Cache);
        Assert.Throws<HubException>(() => From(Path.Combine(_cache, "absent")));
        Assert.Throws<HubException>(() => From(null, ("HF_ENDPOINT", "mirror")));
    }

    [Fact]
    public void The_command_is_understood() => Assert.Empty(FetchCommand.Create().Parse(["Qwen/Qwen2.5-VL-3B-Instruct", "--revision", "v1"]).Errors);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_cache, recursive: true);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private HubFetch Hub(string? token = null) => new(new HubPlace(new Uri(_server.Url), _cache, token), new ImpatientClock(), _said.Add);

    private async Task<string> Fetch(string? token = null)
    {
        var hub = Hub(token);
        var plan = await hub.PlanAsync(HubServer.Repository, "main", Stop);
        var arrived = plan.Known;
        var folder = await hub.RunAsync(plan, bytes => arrived += bytes, Stop);
        Assert.Equal(plan.Bytes, arrived);
        return folder;
    }

    /// <summary>Pauses are over at once; waiting for the network is not.</summary>
    private sealed class ImpatientClock : TimeProvider
    {
        private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(40);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero && dueTime < LongestPause ? TimeSpan.Zero : dueTime, period);
    }
}
