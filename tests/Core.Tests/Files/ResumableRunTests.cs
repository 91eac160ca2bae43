using System.Text.Json.Serialization;
using Vlm.Files;

namespace Vlm.Core.Tests.Files;

public sealed class ResumableRunTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private string Lines => _folder.File("runs/lines.jsonl");

    [Fact]
    public void A_stopped_run_goes_on_with_what_is_missing()
    {
        var asked = new List<int>();
        using var stop = new CancellationTokenSource();
        using (var results = Open())
        {
            var error = Assert.Throws<StoppedException>(() => Run(results, asked).Finish(Wanted(50), _ => StopAfter(12), stop.Token));
            Assert.Contains("Stopped after 12 of 50", error.Message, StringComparison.Ordinal);
            Assert.Equal(12, results.Items.Count);
        }

        using (var results = Open())
        {
            var reported = 0;
            Run(results, asked).Finish(Wanted(50), batch => reported += batch.Count, CancellationToken.None);
            Assert.Equal(38, reported);
            Assert.Equal(Wanted(50), results.Items.Keys);
        }

        Assert.Equal(Wanted(50), asked.Order());

        void StopAfter(int count)
        {
            if (asked.Count >= count) stop.Cancel();
        }
    }

    [Fact]
    public void Questions_of_a_batch_take_about_as_long()
    {
        using var results = Open();
        var batches = new List<int[]>();
        new ResumableRun<int, int, Result>(results, 4, key => key, Length, batch =>
        {
            batches.Add([.. batch.Select(item => item.Question)]);
            return [.. batch.Select(item => new Result(item.Key, "x"))];
        }).Finish(Wanted(30), _ => { }, CancellationToken.None);

        Assert.Equal([4, 4, 4, 4, 4, 4, 4, 2], batches.Select(batch => batch.Length));
        Assert.Equal(Wanted(30).OrderBy(Length), batches.SelectMany(batch => batch));
    }

    [Fact]
    public void An_answer_that_is_cancelled_in_its_middle_ends_the_run_as_a_stop_between_batches_does()
    {
        using var results = Open();
        using var stop = new CancellationTokenSource();
        var run = new ResumableRun<int, int, Result>(results, 4, key => key, Length, _ =>
        {
            stop.Cancel();
            throw new OperationCanceledException(stop.Token);
        });
        Assert.Throws<StoppedException>(() => run.Finish(Wanted(4), _ => { }, stop.Token));
    }

    [Fact]
    public void Results_survive_on_disk_as_they_were_and_a_torn_line_is_cut()
    {
        using (var results = Open()) results.Add([new Result(7, "é → \"x\"\n"), new Result(3, null)]);
        File.AppendAllText(Lines, "{\"key\":8,\"te");

        using (var results = Open())
        {
            Assert.Equal([new Result(3, null), new Result(7, "é → \"x\"\n")], results.Items.Values);
            results.Add([new Result(8, "y")]);
        }

        Assert.Equal(3, File.ReadAllText(Lines).Count(c => c == '\n'));
    }

    [Fact]
    public void A_file_of_another_run_or_of_something_else_is_refused_and_left_as_it_was()
    {
        using (var results = Open("weights a")) results.Add([new Result(1, "x")]);
        var before = File.ReadAllBytes(Lines);
        Assert.Contains("weights a", Assert.Throws<UserException>(() => Open("weights b")).Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(Lines));
        using (var results = Open("weights a")) Assert.Equal([1], results.Items.Keys);
        Assert.Contains("no result of this run", Assert.Throws<UserException>(() => Open()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_run_on_the_same_file_is_refused_while_the_first_goes_on()
    {
        using (var results = Open())
        {
            Assert.Contains("open in another process", Assert.Throws<UserException>(() => Open()).Message, StringComparison.Ordinal);
            results.Add([new Result(1, "x")]);
        }
        using (var results = Open()) Assert.Equal([1], results.Items.Keys);
    }

    [Fact]
    public void A_finished_run_leaves_no_file()
    {
        using var results = Open();
        results.Add([new Result(0, "x")]);
        results.Delete();
        Assert.False(File.Exists(Lines));
    }

    public void Dispose() => _folder.Dispose();

    private static int[] Wanted(int count) => [.. Enumerable.Range(0, count)];

    private static int Length(int key) => key % 7;

    private static ResumableRun<int, int, Result> Run(ResultLines<int, Result> results, List<int> asked) => new(results, 4, key => key, Length, batch =>
    {
        asked.AddRange(batch.Select(item => item.Key));
        return [.. batch.Select(item => new Result(item.Key, "x"))];
    });

    private ResultLines<int, Result> Open(string? subject = null) => new(Lines, ResultJson.Default.Result, result => result.Key, subject);
}

internal sealed record Result(int Key, string? Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(Result))]
internal sealed partial class ResultJson : JsonSerializerContext;
