using System.Text.RegularExpressions;

namespace Vlm.Trainer.Hub;

/// <summary>What is to be fetched.</summary>
/// <param name="Repository">As in "Qwen/Qwen2.5-VL-3B-Instruct".</param>
/// <param name="Revision">A branch, a tag or a commit.</param>
/// <param name="Listing">What there is at its commit.</param>
internal sealed record FetchPlan(string Repository, string Revision, HubListing Listing)
{
    /// <summary>Bytes of all files.</summary>
    public long Bytes => Listing.Files.Sum(file => file.Bytes);

    /// <summary>Bytes that were there before, those of files that broke off included.</summary>
    public required long Known { get; init; }
}

/// <summary>Brings a checkpoint from a hub into the cache. What is there already is not fetched again; what broke off goes on where it was.</summary>
/// <param name="place">The hub and the cache.</param>
/// <param name="clock">For pauses between attempts.</param>
/// <param name="said">Hears lines for people.</param>
internal sealed partial class HubFetch(HubPlace place, TimeProvider clock, Action<string> said)
{
    /// <summary>How often a list or a file is asked for, should the connection break.</summary>
    public const int Attempts = 6;

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    /// <summary>Asks what there is.</summary>
    /// <exception cref="HubException">There is no such checkpoint, or it cannot be seen, or the disk has no room for it.</exception>
    public async Task<FetchPlan> PlanAsync(string repository, string revision, CancellationToken cancellation)
    {
        if (!Repository().IsMatch(repository)) throw new HubException($"'{repository}' is no repository; expected a name such as Qwen/Qwen2.5-VL-3B-Instruct.");
        if (!Revision().IsMatch(revision) || revision.Contains("..", StringComparison.Ordinal))
            throw new HubException($"'{revision}' is no branch, tag or commit.");
        using var client = new HubClient(place, clock);
        var listing = await TryAsync($"the list of {repository}", () => client.ListAsync(repository, revision, cancellation), cancellation);
        var cache = new HubCache(place.Cache, repository);
        var plan = new FetchPlan(repository, revision, listing) { Known = listing.Files.Sum(cache.Known) };
        RequireRoom(plan.Bytes - plan.Known);
        return plan;
    }

    /// <summary>Fetches.</summary>
    /// <param name="plan">What.</param>
    /// <param name="arrived">Hears of bytes; fewer than none, where what was there had to be given up.</param>
    /// <param name="cancellation">Ends it; the same plan goes on where it was.</param>
    /// <returns>The folder of the checkpoint.</returns>
    /// <exception cref="HubException">A file cannot be had, or is not the one that was listed.</exception>
    public async Task<string> RunAsync(FetchPlan plan, Action<long> arrived, CancellationToken cancellation)
    {
        using var client = new HubClient(place, clock);
        var cache = new HubCache(place.Cache, plan.Repository);
        var (files, commit) = (plan.Listing.Files, plan.Listing.Commit);
        foreach (var file in files)
        {
            if (cache.Has(file)) continue;
            await using (var target = cache.OpenIncomplete(file))
            {
                await TryAsync(file.Name, async () =>
                {
                    if (target.Position < file.Bytes) await client.AppendAsync((plan.Repository, commit), file, target, arrived, cancellation);
                    return true;
                }, cancellation);
                target.Flush(flushToDisk: true);
            }
            cache.Accept(file);
        }
        foreach (var file in files) cache.Link(file, commit);
        cache.SetReference(plan.Revision, commit);
        return cache.Snapshot(commit);
    }

    private void RequireRoom(long bytes)
    {
        Directory.CreateDirectory(place.Cache);
        var free = new DriveInfo(Path.GetFullPath(place.Cache)).AvailableFreeSpace;
        if (free >= bytes) return;
        throw new HubException($"{bytes:N0} bytes are to be fetched, and where '{place.Cache}' is, {free:N0} are free. Make room, or set HF_HUB_CACHE.");
    }

    private async Task<T> TryAsync<T>(string what, Func<Task<T>> work, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await work();
            }
            catch (BrokenTransferException e)
            {
                if (attempt == Attempts)
                {
                    throw new HubException(
                        $"{what} could not be fetched from {place.Base} in {Attempts} attempts: {e.Message}. The same command goes on where it was.", e);
                }
                var pause = e.RetryAfter ?? TimeSpan.FromSeconds(Math.Pow(2, attempt - 1));
                if (pause > LongestPause) pause = LongestPause;
                said($"{what}: {e.Message}; again in {pause.TotalSeconds:F0} s");
                await Task.Delay(pause, clock, cancellation);
            }
        }
    }

    [GeneratedRegex(@"^[\w][\w.-]*/[\w][\w.-]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Repository();

    [GeneratedRegex(@"^[\w][\w./-]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Revision();
}
