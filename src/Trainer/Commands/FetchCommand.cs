using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Trainer.Hub;

namespace Vlm.Trainer.Commands;

/// <summary><c>fetch &lt;repository&gt; [--revision]</c>: a public checkpoint into Hugging Face's cache on this machine.</summary>
internal static class FetchCommand
{
    private const int Megabyte = 1_000_000;

    public static Command Create()
    {
        var repository = new Argument<string>("repository") { Description = "Such as Qwen/Qwen2.5-VL-3B-Instruct." };
        var revision = new Option<string>("--revision") { Description = "Branch, tag or commit.", DefaultValueFactory = _ => "main" };
        var token = new Option<string?>("--token-file")
        {
            Description = "File with an access token; by default HF_TOKEN, or the file that Hugging Face's own client keeps.",
        };
        var command = new Command(
            "fetch", "Fetch a checkpoint from Hugging Face's hub, or the one in HF_ENDPOINT, into the cache. Stop it at any time: it goes on where it was.")
        {
            repository, revision, token,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            var place = HubPlace.From(Environment.GetEnvironmentVariable, home, parsed.GetValue(token));
            return RunAsync(place, (parsed.GetValue(repository)!, parsed.GetRequiredValue(revision)), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(HubPlace place, (string Repository, string Revision) wanted, CancellationToken cancellation)
    {
        var plan = await new HubFetch(place, TimeProvider.System, Console.Error.WriteLine).PlanAsync(wanted.Repository, wanted.Revision, cancellation);
        var folder = "";
        var shown = new ProgressPlan($"fetch {wanted.Repository}", plan.Bytes / Megabyte, "MB") { Known = plan.Known / Megabyte, IsBesideResults = true };
        Progress.Run(shown, progress =>
        {
            var bytes = plan.Known;
            void Add(long arrived)
            {
                var before = bytes / Megabyte;
                bytes += arrived;
                if (bytes / Megabyte != before) progress.Add((bytes / Megabyte) - before);
            }
            // The display is one that is called and not awaited.
            folder = new HubFetch(place, TimeProvider.System, progress.Note).RunAsync(plan, Add, cancellation).GetAwaiter().GetResult();
        });
        // The one line of the output: what other commands take as their checkpoint.
        Console.WriteLine(folder);
        return ExitCode.Success;
    }
}
