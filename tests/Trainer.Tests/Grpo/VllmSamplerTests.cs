using System.Text.Json.Nodes;
using Vlm.Puzzles;
using Vlm.Statistics;
using Vlm.Trainer.Config;
using Vlm.Trainer.Grpo;
using Vlm.Trainer.Model;
using Vlm.Trainer.Runs;
using Vlm.Trainer.Sampling;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Grpo;

[Collection("seeded")]
public sealed class VllmSamplerTests : IDisposable
{
    private const int Samples = 3, MostTokens = 5;
    private readonly string _folder = Directory.CreateTempSubdirectory("vllm").FullName;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();
    private readonly CheckpointInput _input;
    private readonly QwenVl _model;

    public VllmSamplerTests()
    {
        TinyPolicy.Write(Start);
        _input = CheckpointInput.Load(Start);
        _model = TinyPolicy.Model();
        LoraAdapters.Attach(_model, new LoraConfig { R = 2 });
    }

    private string Start => Path.Combine(_folder, "start");

    [Fact]
    public async Task Every_prompt_is_answered_by_one_of_the_servers_with_its_tokens_and_log_probabilities()
    {
        await using var a = await Server();
        await using var b = await Server();
        using var sampler = Sampler([a, b]);
        var prompts = Prompts(12);
        var groups = sampler.Sample(prompts, step: 4);

        Assert.Equal(prompts.Select(p => p.Number), groups.Select(g => g.Prompt.Number));
        Assert.All(groups, group =>
        {
            Assert.Equal(Samples, group.Rollouts.Count);
            var expected = Written(group.Prompt.Question.Ids.Length);
            Assert.Equal(expected.Select(c => string.Join(' ', c.Ids)), group.Rollouts.Select(r => string.Join(' ', r.Ids)));
            Assert.Equal(expected.SelectMany(c => c.LogProbabilities), group.Rollouts.SelectMany(r => r.LogProbabilities));
            Assert.True(group.Rollouts[0].Truncated && !group.Rollouts[1].Truncated && !group.Rollouts[2].Truncated);
            Assert.All(group.Rollouts, r => Assert.Equal(-r.LogProbabilities.Sum(p => (double)p), r.Entropy, 1e-6));
            Assert.DoesNotContain("<|im_end|>", group.Rollouts[1].Text, StringComparison.Ordinal);
        });
        Assert.Equal(12, a.Requests.Count + b.Requests.Count);
        Assert.All([a, b], server => Assert.NotEmpty(server.Requests));
        Assert.Equal(12, a.Requests.Concat(b.Requests).Select(r => (long)r["seed"]!).Distinct().Count());
        Assert.All(a.Requests, request =>
        {
            Assert.Equal((Samples, MostTokens), ((int)request["n"]!, (int)request["max_completion_tokens"]!));
            Assert.Equal((0, 1.0), ((int)request["top_k"]!, (double)request["repetition_penalty"]!));
            Assert.Equal(-100, (double)request["logit_bias"]![$"{_model.Config.ImageTokenId}"]!);
            Assert.Equal(0.7, (double)request["temperature"]!);
        });
        Assert.Equal(2, sampler.TakeCounts().ToDictionary()["vllm/servers"]);
    }

    [Fact]
    public async Task A_server_lost_in_the_middle_leaves_its_prompts_to_the_others_and_is_tried_again_in_the_next_step()
    {
        await using var a = await Server();
        await using var b = await Server();
        b.BreaksAt = 1;
        using var sampler = Sampler([a, b]);
        Assert.Equal(10, sampler.Sample(Prompts(10), step: 0).Count(group => group.Rollouts.Count == Samples));
        var counts = sampler.TakeCounts().ToDictionary();
        Assert.Equal((1.0, 1.0), (counts["vllm/servers"], counts["vllm/lost/unreachable"]));
        Assert.InRange(counts["vllm/asked_again"], 1, 2);   // what it was asked at the same time

        var before = b.Requests.Count;
        b.BreaksAt = int.MaxValue;
        b.Restart();
        sampler.Sample(Prompts(10), step: 1);
        Assert.True(b.Requests.Count > before);
        counts = sampler.TakeCounts().ToDictionary();
        Assert.Equal((2.0, 0.0, 0.0), (counts["vllm/servers"], counts["vllm/lost/unreachable"], counts["vllm/asked_again"]));
    }

    [Fact]
    public async Task Each_step_gives_adapters_under_a_new_name_and_takes_the_last_ones_away()
    {
        await using var server = await Server();
        using var sampler = Sampler([server]);
        sampler.Sample(Prompts(1), step: 0);
        sampler.Sample(Prompts(1), step: 0);   // another round of the same step
        using (no_grad()) _model.Adapters!.Parameters[1].Parameter.fill_(0.5);
        sampler.Sample(Prompts(1), step: 1);

        var names = server.Requests.Select(request => (string)request["model"]!).ToList();
        Assert.Equal(names[0], names[1]);
        Assert.Equal($"load {names[0]}, load {names[2]}, unload {names[0]}", string.Join(", ", server.Calls));
        Assert.StartsWith("step-1-", names[2], StringComparison.Ordinal);
        Assert.Equal(names[2], Path.GetFileName(Assert.Single(Directory.GetDirectories(Path.Combine(_folder, "adapters")))));
    }

    [Theory]
    [InlineData(500, "server_error"), InlineData(429, "busy"), InlineData(404, "adapter_missing")]
    public async Task When_no_server_is_left_the_run_stops_and_says_why_each_was_given_up(int status, string reason)
    {
        await using var server = await Server();
        server.Status = status;
        using var sampler = Sampler([server]);
        var error = Assert.Throws<UserException>(() => sampler.Sample(Prompts(1), step: 0));
        Assert.Contains("None of the 1 vLLM servers is left", error.Message, StringComparison.Ordinal);
        Assert.Contains($"{status} EngineCore encountered an issue.", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, sampler.TakeCounts().Single(c => c.Key == $"vllm/lost/{reason}").Value);
    }

    [Fact]
    public async Task A_prompt_is_asked_no_more_often_than_configured()
    {
        await using var a = await Server();
        await using var b = await Server();
        (a.Status, b.Status) = (500, 500);
        using var sampler = Sampler([a, b], attempts: 2);
        var error = Assert.Throws<UserException>(() => sampler.Sample(Prompts(1), step: 0));
        Assert.Contains("asked 2 times in vain", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, a.Requests.Count + b.Requests.Count);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_in_time_is_given_up()
    {
        await using var server = await Server();
        server.Hangs = true;
        using var sampler = Sampler([server], timeoutSeconds: 1);
        Assert.Contains("did not answer within 1 s", Assert.Throws<UserException>(() => sampler.Sample(Prompts(1), step: 0)).Message, StringComparison.Ordinal);
        Assert.Equal(1, sampler.TakeCounts().ToDictionary()["vllm/lost/timed_out"]);
    }

    [Fact]
    public async Task A_server_that_reads_prompts_otherwise_than_the_trainer_stops_the_run()
    {
        await using var server = await Server();
        server.ReadsPicturesOtherwise = true;
        using var sampler = Sampler([server]);
        var error = Assert.Throws<UserException>(() => sampler.Sample(Prompts(1), step: 0));
        Assert.Contains("Serve the checkpoint's own folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_server_refuses_says_how_to_start_it()
    {
        await using var server = await Server();
        using var sampler = Sampler([server]);
        server.TrustsTemplates = false;
        Assert.Contains("--trust-request-chat-template", Error(step: 0), StringComparison.Ordinal);
        server.TakesAdapters = false;
        Assert.Contains("VLLM_ALLOW_RUNTIME_LORA_UPDATING", Error(step: 1), StringComparison.Ordinal);

        string Error(long step) => Assert.Throws<UserException>(() => sampler.Sample(Prompts(1), step)).Message;
    }

    [Theory]
    [InlineData("prompt_token_ids", "return_token_ids"), InlineData("logprob", "a log-probability that is none")]
    [InlineData("finish_reason", "no stop token"), InlineData("choices", "2 completions in place of 3")]
    public async Task A_reply_that_is_not_as_asked_for_is_not_learned_from(string spoiled, string said)
    {
        await using var server = await Server();
        server.Spoils = reply =>
        {
            var choices = reply["choices"]!.AsArray();
            if (spoiled == "prompt_token_ids") reply.Remove(spoiled);
            else if (spoiled == "logprob") choices[0]!["logprobs"]!["content"]![0]![spoiled] = -9999.0;
            else if (spoiled == "finish_reason") choices[0]![spoiled] = "stop";
            else choices.RemoveAt(0);
        };
        using var sampler = Sampler([server]);
        Assert.Contains(said, Assert.Throws<UserException>(() => sampler.Sample(Prompts(1), step: 0)).Message, StringComparison.Ordinal);
        Assert.Equal(1, sampler.TakeCounts().ToDictionary()["vllm/lost/bad_reply"]);
    }

    [Fact]
    public async Task A_run_samples_each_step_with_the_adapters_of_that_step_and_weighs_what_a_server_drew()
    {
        // The servers are the policy itself, with the adapters that they were given: the trainer's numbers must be theirs, at every step.
        var gate = new Lock();
        IReadOnlyList<(int[], float[])> Write(TorchPrompt prompt, string adapter, JsonObject request)
        {
            lock (gate)
            {
                using var model = TinyPolicy.Model();
                using var adapters = LoraAdapters.Load(model, adapter);
                var (samples, most) = ((int)request["n"]!, (int)request["max_completion_tokens"]!);
                var options = new RolloutOptions(samples, (double)request["temperature"]!, most, (long)request["seed"]!);
                var policy = new RolloutSampler(model, _input.Tokenizer, _input.Template, options);
                var puzzle = new PuzzleSource(PuzzleOptions.For(Split.Clean), 1).At(0);
                return [.. policy.Sample([new PolicyPrompt(0, puzzle, prompt)], 0)[0].Rollouts.Select(r => (r.Ids, r.LogProbabilities))];
            }
        }
        await using var a = await VllmServer.Start(_input, Write);
        await using var b = await VllmServer.Start(_input, Write);
        b.BreaksAt = 1;
        var config = GrpoConfig.Load(Path.Combine(Repository.Root, "configs", "grpo-test.json")) with
        {
            From = Start,
            Steps = 3,
            Lora = new LoraConfig { R = 4, Alpha = 16 },
            LearningRate = 0.02,
            Reference = new ReferenceConfig(),
            Loss = new LossConfig { SamplerCap = 2 },
            Vllm = new VllmConfig { Servers = [a.Url, b.Url], PromptsAtOnce = 1 },
            ComputeType = ComputeType.Float32,
            ProbePuzzles = 0,
        };
        var folder = Path.Combine(_folder, "run");
        Directory.CreateDirectory(folder);
        using (var run = new GrpoRun(config, new RunFolder(folder))) run.Run(TestContext.Current.CancellationToken);

        var metrics = MetricsLog.Read(Path.Combine(folder, "metrics.jsonl")).Where(line => line.Values.ContainsKey("grpo/sampler_difference_max")).ToList();
        Assert.InRange(metrics.Count, 2, 3);   // a step of random letters may have no signal
        Assert.All(metrics, line => Assert.InRange(line.Values["grpo/sampler_difference_max"], 0, 1e-3));
        Assert.All(metrics, line => Assert.Equal(1, line.Values["grpo/sampler_weight"], 1e-3));
        Assert.Contains(metrics, line => line.Values["grpo/gradient_norm"] > 0);
        Assert.InRange(metrics.Sum(line => line.Values["grpo/vllm/lost/unreachable"]), 1, 3);   // once a step, as it is tried again
        Assert.Equal(3, a.Requests.Select(request => (string)request["model"]!).Distinct().Count());
        Assert.False(File.Exists(Path.Combine(folder, "evaluation.md")));   // no puzzles, no probe
    }

    public void Dispose()
    {
        _model.Adapters!.Dispose();
        _model.Dispose();
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private Task<VllmServer> Server() => VllmServer.Start(_input, (prompt, _, _) => Written(prompt.Ids.Length));

    /// <summary>A completion that is cut, and two that end.</summary>
    private List<(int[] Ids, float[] LogProbabilities)> Written(int seed)
    {
        var random = SeededRandom.From(seed);
        var stop = _input.Tokenizer.Id("<|im_end|>");
        int[] Ids(int length) => [.. Enumerable.Range(0, length).Select(_ => 97 + (int)(random.NextDouble() * 26))];
        int[][] all = [Ids(MostTokens), [.. Ids(2), stop], [stop]];
        return [.. all.Select(ids => (ids, ids.Select(_ => (float)-random.NextDouble()).ToArray()))];
    }

    private VllmSampler Sampler(VllmServer[] servers, int attempts = 3, double timeoutSeconds = 60)
    {
        var config = new VllmConfig { Servers = [.. servers.Select(s => s.Url)], Attempts = attempts, PromptsAtOnce = 2, TimeoutSeconds = timeoutSeconds };
        return new VllmSampler(config, new RolloutOptions(Samples, 0.7, MostTokens, Seed: 1), _input, _model, _folder);
    }

    private List<PolicyPrompt> Prompts(int count)
    {
        var source = new PuzzleSource(new PuzzleOptions { Pictures = new PictureMix { Camera = 0.3, Variant = 0.6, MaxSeverity = 2 } }, 3);
        return [.. Enumerable.Range(0, count).Select(i => new PolicyPrompt(i, source.At(i), _input.Ask(source.At(i))))];
    }
}
