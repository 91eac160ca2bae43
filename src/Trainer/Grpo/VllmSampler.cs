using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Vlm.Package;
using Vlm.Statistics;
using Vlm.Trainer.Config;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;
using Vlm.Vision;

namespace Vlm.Trainer.Grpo;

/// <summary>
/// G completions per prompt from vLLM servers. Every step gives each of them the adapters of that step under a new name; then each takes the next prompt as
/// soon as it has a free place. A server that fails is left out until the next step, and its prompts go to the others.
/// </summary>
/// <remarks>
/// Seeds come from (seed, step, prompt), but which server answers does not, and their numbers depend on what they compute together: a resumed run does not
/// draw the same. That the sampler's distribution is not quite the trainer's is what <c>loss.sampler_cap</c> is for.
/// </remarks>
internal sealed class VllmSampler : IRolloutSampler, IDisposable
{
    private readonly VllmConfig _config;
    private readonly RolloutOptions _options;
    private readonly CheckpointInput _input;
    private readonly LoraAdapters _adapters;
    private readonly VllmSampling _sampling;
    private readonly (string Here, string There) _folder;
    private readonly Server[] _servers;
    private readonly ConcurrentDictionary<VllmFailure, int> _lost = new();
    private (long Step, string Adapter) _pushed = (-1, "");
    private int _askedAgain;

    /// <param name="config">Which servers, and how.</param>
    /// <param name="options">How completions are drawn.</param>
    /// <param name="input">How the policy is asked.</param>
    /// <param name="model">The policy, with its adapters.</param>
    /// <param name="runFolder">Where adapters go unless the configuration says.</param>
    /// <exception cref="UserException">The tower is adapted, which servers do not follow.</exception>
    public VllmSampler(VllmConfig config, RolloutOptions options, CheckpointInput input, QwenVl model, string runFolder)
    {
        (_config, _options, _input) = (config, options, input);
        _adapters = model.Adapters ?? throw new ArgumentException("expected a model with adapters, found none", nameof(model));
        var tower = _adapters.Parameters.Select(p => p.Name).FirstOrDefault(name => name.Contains("visual.", StringComparison.Ordinal));
        if (tower is not null)
        {
            throw new UserException(
                $"The adapters have '{tower}'; a vLLM server may leave adapters of the tower out. Name layers of the decoder in lora.target_modules.");
        }
        int[] pictures = [model.Config.ImageTokenId, model.Config.VideoTokenId];
        _sampling = new VllmSampling(
            options.Samples, options.Temperature, options.MostTokens, [.. input.Template.StopTokens.Select(input.Tokenizer.Id)],
            [.. pictures.Where(id => id >= 0 && id < model.Config.Text.VocabSize).Distinct()]);
        var here = Path.GetFullPath(config.AdapterFolder ?? Path.Combine(runFolder, "adapters"));
        _folder = (here, config.AdapterFolderOfServers?.TrimEnd('/') ?? here);
        var key = Environment.GetEnvironmentVariable("VLLM_API_KEY");
        _servers = [.. config.Servers.Select(address => new Server(new VllmClient(new Uri(address), TimeSpan.FromSeconds(config.TimeoutSeconds), key)))];
    }

    /// <inheritdoc/>
    /// <exception cref="UserException">No server is left, a prompt was asked too often, or a server refuses.</exception>
    public IReadOnlyList<RolloutGroup> Sample(IReadOnlyList<PolicyPrompt> prompts, long step)
        // The loop that samples and learns in turns has nothing else to do meanwhile.
        => Task.Run(() => SampleAsync(prompts, step)).GetAwaiter().GetResult();

    /// <summary>What happened since the last call, as metrics.</summary>
    public IEnumerable<KeyValuePair<string, double>> TakeCounts()
    {
        yield return new("vllm/servers", _servers.Count(server => server.HasAdapter(_pushed.Adapter)));
        yield return new("vllm/asked_again", Interlocked.Exchange(ref _askedAgain, 0));
        foreach (var reason in Enum.GetValues<VllmFailure>())
        {
            _lost.TryRemove(reason, out var times);
            yield return new($"vllm/lost/{JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString())}", times);
        }
    }

    public void Dispose()
    {
        foreach (var server in _servers) server.Client.Dispose();
    }

    private async Task<IReadOnlyList<RolloutGroup>> SampleAsync(IReadOnlyList<PolicyPrompt> prompts, long step)
    {
        if (_pushed.Step != step) await PushAsync(step);
        var groups = new RolloutGroup[prompts.Count];
        var waiting = new ConcurrentQueue<Question>(prompts.Select((prompt, place) => new Question(place, prompt)));
        // One that finds nothing more to take is done; what a server that fails afterwards gives back is for another round.
        while (!waiting.IsEmpty)
        {
            Server[] up = [.. _servers.Where(server => server.HasAdapter(_pushed.Adapter))];
            if (up.Length == 0) throw NoneLeft();
            await Task.WhenAll(up.SelectMany(server => Enumerable.Range(0, _config.PromptsAtOnce).Select(_ => WorkAsync(server, waiting, groups, step))));
        }
        return groups;
    }

    /// <summary>Takes prompts for a server as long as there are any and it answers.</summary>
    private async Task WorkAsync(Server server, ConcurrentQueue<Question> waiting, RolloutGroup[] groups, long step)
    {
        while (server.HasAdapter(_pushed.Adapter) && waiting.TryDequeue(out var question))
        {
            try
            {
                groups[question.Place] = await AskAsync(server, question.Prompt, step);
            }
            catch (VllmException error)
            {
                Lose(server, error);
                if (question.Attempts + 1 >= _config.Attempts)
                {
                    waiting.Clear();
                    throw new UserException($"A prompt was asked {_config.Attempts} times in vain; the last time: {error.Message}.", error);
                }
                Interlocked.Increment(ref _askedAgain);
                waiting.Enqueue(question with { Attempts = question.Attempts + 1 });
            }
            catch
            {
                waiting.Clear();   // the others finish what they have
                throw;
            }
        }
    }

    private async Task<RolloutGroup> AskAsync(Server server, PolicyPrompt prompt, long step)
    {
        var text = (_input.Template.User + _input.Template.AssistantPrefix).Replace(PromptTemplate.CodeField, prompt.Puzzle.Code, StringComparison.Ordinal)
            .Split(PromptTemplate.PictureField);
        var seed = (long)(SeededRandom.From(_options.Seed, step, prompt.Number).NextDouble() * int.MaxValue);
        var png = ImageCodec.EncodePng(prompt.Puzzle.Picture);
        var reply = await server.Client.CompleteAsync(new VllmPrompt(_pushed.Adapter, text[0], png, text[1], _sampling, seed));
        Require(prompt.Question.Ids, reply.PromptIds, server);
        return new RolloutGroup(prompt, [.. reply.Completions.Select(ToRollout)]);
    }

    /// <summary>Log-probabilities are only those of the trainer's prompt if it is the server's too.</summary>
    private static void Require(int[] ours, int[] theirs, Server server)
    {
        if (ours.AsSpan().SequenceEqual(theirs)) return;
        var place = ours.Zip(theirs).TakeWhile(pair => pair.First == pair.Second).Count();
        static string At(int[] ids, int place) => place < ids.Length ? $"{ids[place]}" : "the end";
        throw new UserException(
            $"'{server.Client.Address}' reads a prompt as {theirs.Length} tokens, the trainer as {ours.Length}; at place {place} it is {At(theirs, place)} "
            + $"there and {At(ours, place)} here. Serve the checkpoint's own folder, with its tokenizer and preprocessor_config.json.");
    }

    private Rollout ToRollout(VllmCompletion completion)
    {
        var (ids, values) = (completion.Ids, completion.LogProbabilities);
        return new Rollout(ids, values, completion.Truncated, _input.Tokenizer.Decode(completion.Truncated ? ids : ids[..^1]))
        {
            // Servers do not tell it; −log p of what was drawn is right on average.
            Entropy = -values.Sum(value => (double)value),
            AnswerProbability = AnswerConfidence.Of(_input.Tokenizer, ids, values),
        };
    }

    /// <summary>Gives every server the adapters of a step, and takes those of the step before away. Those that were lost are tried again.</summary>
    private async Task PushAsync(long step)
    {
        var (name, before) = (Write(step), _pushed.Adapter);
        _pushed = (step, name);
        await Task.WhenAll(_servers.Select(async server =>
        {
            try
            {
                await server.Client.LoadAsync(name, $"{_folder.There}/{name}");
                if (before.Length > 0 && before != name) await server.Client.UnloadAsync(before);
                server.Give(name);
            }
            catch (VllmException error)
            {
                Lose(server, error);
            }
        }));
        var last = Path.Combine(_folder.Here, before);
        if (before.Length > 0 && before != name && Directory.Exists(last)) Directory.Delete(last, recursive: true);
    }

    /// <summary>
    /// The adapters as a folder named after the step and what is in it: what a server keeps of a name, its cached prompts too, is never that of others.
    /// </summary>
    private string Write(long step)
    {
        var temporary = Path.Combine(_folder.Here, $"step-{step}.new");
        if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        _adapters.Save(temporary);
        var hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(temporary, LoraFile.WeightsName))));
        var name = $"step-{step}-{hash[..12]}";
        var folder = Path.Combine(_folder.Here, name);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Directory.Move(temporary, folder);
        return name;
    }

    /// <summary>Counted once, also when several of its prompts fail.</summary>
    private void Lose(Server server, VllmException error)
    {
        if (server.Lose(_pushed.Adapter, error.Message)) _lost.AddOrUpdate(error.Reason, 1, (_, times) => times + 1);
    }

    private UserException NoneLeft() => new(
        $"None of the {_servers.Length} vLLM servers is left: {string.Join("; ", _servers.Select(server => server.Why))}. "
        + "Start them again; the same command goes on from the last checkpoint.");

    private sealed record Question(int Place, PolicyPrompt Prompt, int Attempts = 0);

    /// <summary>A server and what it has; shared by those that ask it.</summary>
    private sealed class Server(VllmClient client)
    {
        private readonly Lock _lock = new();
        private string? _adapter, _lostWith;

        public VllmClient Client => client;

        public string? Why { get; private set; }

        public bool HasAdapter(string name)
        {
            lock (_lock) return _adapter == name;
        }

        public void Give(string name)
        {
            lock (_lock) (_adapter, Why) = (name, null);
        }

        /// <summary>Whether this is the first failure under that name.</summary>
        public bool Lose(string name, string why)
        {
            lock (_lock)
            {
                var isFirst = _lostWith != name;
                (_adapter, _lostWith) = (null, name);
                if (isFirst) Why = why;
                return isFirst;
            }
        }
    }
}
