using System.Text.Json;

namespace Vlm.Edge.Tests.Doctor;

/// <summary>The command as a user runs it.</summary>
public sealed class DoctorCommandTests
{
    [Fact]
    public async Task A_machine_that_runs_the_shipped_model_is_well_and_every_topic_is_told()
    {
        var run = await EdgeProcess.Run("doctor", "--json");

        using var report = JsonDocument.Parse(run.Output);
        Assert.True(run.ExitCode == 0, run.Output);
        Assert.True(report.RootElement.GetProperty("usable").GetBoolean());
        var topics = report.RootElement.GetProperty("findings").EnumerateArray().Select(finding => finding.GetProperty("topic").GetString()).Distinct();
        string[] expected = ["engine", "provider", "processor", "memory", "fonts", "disk", "clock", "model", "gate", "tier"];
        Assert.Equal(expected, topics.Where(topic => topic != "libstdcxx"));
    }

    [Fact]
    public async Task What_the_configuration_needs_and_cannot_be_had_is_said_with_what_to_do_and_ends_with_1()
    {
        using var files = new TestFiles();
        var config = files.File("edge.yaml");
        // Nobody listens at port 9, and the folder's parent is a file.
        await File.WriteAllTextAsync(files.File("file"), "", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(config,
            $"""
            model:
              folder: {files.File("no-package")}
            state: {files.File("file")}/state
            escalation:
              connect_timeout_seconds: 2
              endpoints:
                - name: larger
                  url: http://127.0.0.1:9/v1
              queue:
                folder: {files.File("queue")}
            """,
            TestContext.Current.CancellationToken);

        var run = await EdgeProcess.Run("doctor", "--config", config);

        Assert.Equal(1, run.ExitCode);
        string[] failed = [.. run.Lines.Where(line => line.StartsWith("FAILED", StringComparison.Ordinal))];
        Assert.Equal(["disk", "model", "gate", "tier"], failed.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]));
        Assert.Equal("4 things that the configuration needs cannot be used.", run.Lines[^1]);
        Assert.False(Directory.Exists(files.File("queue")), "it only looks");
    }
}
