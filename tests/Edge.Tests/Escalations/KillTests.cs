using System.Diagnostics;
using Vlm.Edge.Escalations;

namespace Vlm.Edge.Tests.Escalations;

/// <summary>Real processes: this test program runs itself again, for the one explicit test that its environment names.</summary>
public sealed class KillTests : IDisposable
{
    private const string FolderVariable = "VLM_TEST_QUEUE_FOLDER";
    private const string UrlVariable = "VLM_TEST_QUEUE_URL";
    private const string RunVariable = "VLM_TEST_QUEUE_RUN";

    private readonly TestFiles _files = new();

    private string Journal => _files.File("accepted");

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Killed_again_and_again_under_load_nothing_accepted_is_lost_and_nothing_is_sent_under_two_keys()
    {
        await using var endpoint = await ScriptedEndpoint.Start(async (context, seen) =>
        {
            await Task.Delay(2, context.RequestAborted);
            await ScriptedEndpoint.Right(context, seen);
        });
        for (var run = 0; run < 3; run++)
        {
            var before = Accepted().Length;
            using var child = Child(nameof(Child_that_queues_and_sends_until_it_is_killed), endpoint.Url, run);
            await ClientTests.Until(() => child.HasExited || Accepted().Length >= before + 20 + (7 * run));
            Assert.False(child.HasExited, "the child ended by itself");
            child.Kill();
            await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        using var bench = new Bench(Options(endpoint.Url));
        using var queueOpen = bench.Open(out var queue);
        Assert.Equal(0, queue.Stats().Quarantined);
        using var worker = bench.Worker(queue, _ => { });
        await worker.StartAsync(TestContext.Current.CancellationToken);
        await ClientTests.Until(() => queue.Stats().Waiting == 0);
        await worker.StopAsync(TestContext.Current.CancellationToken);

        var accepted = Accepted();
        var keys = endpoint.Requests.ToLookup(request => request.Text, request => request.Key);
        Assert.InRange(accepted.Length, 80, int.MaxValue);
        Assert.Empty(accepted.Except(endpoint.Requests.Select(request => request.Key)));
        Assert.All(keys, sent => Assert.Single(sent.Distinct()));
        Assert.Equal(0, queue.Stats().Dead);
    }

    [Fact(Explicit = true)]
    public async Task Child_that_queues_and_sends_until_it_is_killed()
    {
        var folder = Environment.GetEnvironmentVariable(FolderVariable);
        Assert.SkipWhen(folder is null, "only as a child of the test above");
        var run = int.Parse(Environment.GetEnvironmentVariable(RunVariable)!, provider: null);
        using var bench = new Bench(Options(Environment.GetEnvironmentVariable(UrlVariable)!) with
        {
            Queue = new QueueOptions { Folder = Path.Combine(folder, "queue") },
        });
        using var queueOpen = bench.Open(out var queue);
        using var worker = bench.Worker(queue, _ => { });
        await worker.StartAsync(TestContext.Current.CancellationToken);
        using var journal = new StreamWriter(Path.Combine(folder, "accepted"), append: true) { AutoFlush = true };
        // Bounded, should nobody kill it.
        for (var i = 0; i < 5000; i++)
        {
            var number = (run * 5000) + i;
            var question = Bench.Question($"run-{run}-{i}", Code(number)) with { Picture = BitConverter.GetBytes(number) };
            if (queue.TryEnqueue(question) is EnqueueResult.Accepted) await journal.WriteAsync(question.Id + "\n");
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_full_disk_is_a_clean_rejection_and_what_was_accepted_stays()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "limits the size of files with ulimit");
        using var child = Child(nameof(Child_whose_files_may_not_grow), "http://127.0.0.1:9/v1", run: 0, fileBlocks: 600);
        var output = await child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(child.ExitCode == 0, output);
        using var queueOpen = Bench.Open(new QueueOptions { Folder = _files.File("queue") }, TimeProvider.System, out var queue);
        Assert.Equal(["small"], queue.Lease(5).Select(leased => leased.Escalation.Id));
        Assert.Single(Directory.GetFiles(Path.Combine(_files.File("queue"), "pictures")));
    }

    [Fact(Explicit = true)]
    public void Child_whose_files_may_not_grow()
    {
        var folder = Environment.GetEnvironmentVariable(FolderVariable);
        Assert.SkipWhen(folder is null, "only as a child of the test above");
        using var queueOpen = Bench.Open(new QueueOptions { Folder = Path.Combine(folder, "queue") }, TimeProvider.System, out var queue);

        var large = queue.TryEnqueue(Bench.Question("large") with { Picture = new byte[2_000_000] });
        var small = queue.TryEnqueue(Bench.Question("small"));

        Assert.Equal(QueueDrop.DiskFull, Assert.IsType<EnqueueResult.Rejected>(large).Reason);
        Assert.IsType<EnqueueResult.Accepted>(small);
    }

    private EscalationOptions Options(string url) => Bench.For(url) with { Queue = new QueueOptions { Folder = _files.File("queue") } };

    private string[] Accepted()
    {
        if (!File.Exists(Journal)) return [];
        using var file = new FileStream(Journal, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        // The last line may be cut off by the kill.
        return reader.ReadToEnd().Split('\n')[..^1];
    }

    private Process Child(string test, string url, int run, int fileBlocks = 0)
    {
        var program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Edge.Tests.exe" : "Edge.Tests");
        string[] arguments = ["-method", $"{typeof(KillTests).FullName}.{test}", "-explicit", "only", "-noColor", "-noLogo"];
        var start = fileBlocks == 0
            ? new ProcessStartInfo(program, arguments)
            : new ProcessStartInfo("bash", ["-c", $"trap '' XFSZ; ulimit -f {fileBlocks}; exec \"$@\"", "bash", program, .. arguments]);
        start.RedirectStandardOutput = true;
        start.Environment[FolderVariable] = _files.Folder;
        start.Environment[UrlVariable] = url;
        start.Environment[RunVariable] = run.ToString(provider: null);
        // W^X maps executable memory through a file that must be allowed to be large.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        return Process.Start(start)!;
    }

    /// <summary>A code of its own for every number.</summary>
    private static string Code(int number)
    {
        var letters = new char[5];
        for (var i = 0; i < letters.Length; i++, number /= 26) letters[i] = (char)('a' + (number % 26));
        return string.Join(' ', letters);
    }
}
