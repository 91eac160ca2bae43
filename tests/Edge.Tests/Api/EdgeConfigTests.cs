using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;
using Vlm.Edge.Storage;
using Vlm.Hosting;

namespace Vlm.Edge.Tests.Api;

public sealed class EdgeConfigTests : IDisposable
{
    private readonly TestFiles _files = new();

    [Fact]
    public void The_sample_is_valid_and_says_the_defaults()
    {
        var sample = EdgeConfig.Load(Path.Combine(Repository.Root, "deploy", "edge.yaml"));

        // Lists are equal by what they hold, records by their lists themselves.
        Assert.Empty(ConfigChanges.Between(new EdgeConfig().Server, sample.Server));
        Assert.Equal(new BudgetOptions(), sample.Budget);
        Assert.Equal(new CacheOptions(), sample.Cache);
        Assert.Equal(new DriftOptions(), sample.Audit);
        Assert.Equal(new RoutingOptions(), sample.Routing);
        Assert.Equal(new HistoryOptions(), sample.History);
        Assert.Equal("cryptogram-escalation", Assert.Single(sample.Escalation!.Endpoints).Model);
    }

    [Fact]
    public void The_sample_says_everything_that_can_be_said()
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "deploy", "edge.yaml"));

        Assert.Empty(SampleConfig.Missing(text, typeof(EdgeConfig)));
        // What is behind a # can be put in force: only the files are not there.
        var problems = Assert.Throws<ConfigException>(() => Load(SampleConfig.WithAll(text))).Message.Trim().Split('\n')[1..];
        Assert.All(problems, problem => Assert.Contains("there is no file", problem, StringComparison.Ordinal));
        Assert.Contains("budget.burst", SampleConfig.Missing(text.Replace("  burst: 20", "", StringComparison.Ordinal), typeof(EdgeConfig)));
    }

    [Fact]
    public void Defaults_in_the_sample_are_the_programs()
    {
        var sample = EdgeConfig.Load(Path.Combine(Repository.Root, "deploy", "edge.yaml"));
        var escalation = new EscalationOptions
        {
            Endpoints = [new EndpointOptions { Url = sample.Escalation!.Endpoints[0].Url }],
            Queue = new QueueOptions { Folder = sample.Escalation.Queue.Folder },
        };

        var model = new ModelOptions { Finder = sample.Model.Finder };
        Assert.Empty(ConfigChanges.Between(new EdgeConfig { Escalation = escalation, Model = model }, sample));
    }

    [Fact]
    public void The_configuration_of_the_container_lacks_nothing_but_its_secret()
    {
        var error = Assert.Throws<ConfigException>(() => EdgeConfig.Load(Path.Combine(Repository.Root, "deploy", "compose", "edge.yaml")));

        var problems = error.Message.ReplaceLineEndings("\n").Trim().Split('\n')[1..];
        Assert.Equal("escalation: primary: api_key_file: there is no file '/run/secrets/edge_key'", Assert.Single(problems).Trim());
    }

    [Fact]
    public void Everything_can_be_said()
    {
        var config = Load("""
            server: { listen: "http://0.0.0.0:80", keys_required: false, in_flight: 3 }
            routing: { mode: answer-now, deadline_seconds: 2.5 }
            audit: { on_alarm: raise-threshold }
            budget: { money_per_call: 0.002, money_per_day: 1.5 }
            escalation:
              endpoints:
                - { name: a, url: "https://one/v1", token_limit: both, structured_output: json-schema, prompt: instructions }
                - { name: b, url: "http://two/v1" }
              picture: { crop: { left: 0.1, width: 0.5 }, masks: [ { height: 0.2 } ] }
              queue: { when_full: drop-oldest, order: newest-first }
            """);

        Assert.Equal((3, RoutingMode.AnswerNow, 2.5), (config.Server.InFlight, config.Routing.Mode, config.Routing.DeadlineSeconds));
        Assert.Equal((OnAlarm.RaiseThreshold, 0.002m), (config.Audit.OnAlarm, config.Budget.MoneyPerCall));
        Assert.Equal(["a", "b"], config.Escalation!.Endpoints.Select(endpoint => endpoint.Name));
        var (first, picture, queue) = (config.Escalation.Endpoints[0], config.Escalation.Picture, config.Escalation.Queue);
        Assert.Equal((TokenLimitField.Both, StructuredOutput.JsonSchema, PromptDialect.Instructions), (first.TokenLimit, first.StructuredOutput, first.Prompt));
        Assert.Equal((0.5, 0.2, WhenFull.DropOldest, DrainOrder.NewestFirst), (picture.Crop!.Width, picture.Masks[0].Height, queue.WhenFull, queue.Order));
    }

    [Theory]
    [InlineData("server:\n  listen: http://127.0.0.1:1\n  in_flght: 3\n", "line 3", "in_flght")]
    [InlineData("routing:\n  mode: local-only\ncolour: red\n", "line 3", "colour")]
    [InlineData("routing:\n  mode: sometimes\n", "line 2", "sometimes")]
    [InlineData("routing:\n  mode: Fast\n", "line 2", "expected one of local-only, escalate, answer-now, escalate-all, found 'Fast'")]
    [InlineData("server:\n  in_flight: many\n", "line 2", "expected a whole number, found 'many'")]
    [InlineData("server:\n  in_flight: [1]\n", "line 2", "expected a whole number")]
    [InlineData("server:\n  keys_required: perhaps\n", "line 2", "expected true or false")]
    [InlineData("- a\n", "line 1", "not of the form")]
    [InlineData("model: 5\n", "line 1", "not of the form")]
    [InlineData("server: [1, 2\n", "line", "")]
    [InlineData("state: a\nstate: b\n", "line 2", "state")]
    public void A_mistake_is_told_with_its_line(string yaml, string line, string word)
    {
        var error = Assert.Throws<ConfigException>(() => Load(yaml));
        Assert.Contains(line, error.Message, StringComparison.Ordinal);
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
        foreach (var inside in (string[])["Vlm.", "System.", "deserializ"]) Assert.DoesNotContain(inside, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_values_out_of_range_are_told_at_once()
    {
        var error = Assert.Throws<ConfigException>(() => Load("""
            server: { listen: "ftp://x", in_flight: 0, api_keys_file: /nowhere/keys }
            routing: { mode: escalate, deadline_seconds: 0 }
            budget: { burst: 0 }
            cache: { entries: 0 }
            audit: { share: 0.5, share_near_threshold: 0.1 }
            model: { threads: -1 }
            """));

        string[] all =
            ["listen", "in_flight: expected 1 to 4096, found 0", "api_keys_file", "deadline_seconds", "burst", "entries", "share_near_threshold", "threads",
                "no section 'escalation'"];
        foreach (var said in all)
            Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Pictures_that_wait_need_a_folder_of_their_own()
    {
        var error = Assert.Throws<ConfigException>(() => Load("""
            escalation: { endpoints: [ { url: "http://one/v1" } ], queue: { folder: ./state/ } }
            """));
        Assert.Contains("queue: folder: './state/' is the folder 'state'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_gate_modes_that_need_one_do_not_start()
    {
        var config = ServeRig.Config(_files, "http://127.0.0.1:9/v1");

        var error = Assert.Throws<ConfigException>(() => ServeRig.Build(_files, null, config));

        Assert.Contains("calibrate --model", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_says_what_is_wrong_and_ends()
    {
        File.WriteAllText(_files.File("edge.yaml"), "server:\n  port: 8088\n");

        var wrong = await EdgeProcess.Run("serve", "--config", _files.File("edge.yaml"));
        var missing = await EdgeProcess.Run("serve");

        Assert.Equal((2, true),
            (wrong.ExitCode, wrong.Errors.Contains("line 2", StringComparison.Ordinal) && wrong.Errors.Contains("port", StringComparison.Ordinal)));
        Assert.Equal(2, missing.ExitCode);
    }

    public void Dispose() => _files.Dispose();

    private EdgeConfig Load(string yaml)
    {
        File.WriteAllText(_files.File("edge.yaml"), yaml);
        return EdgeConfig.Load(_files.File("edge.yaml"));
    }
}
