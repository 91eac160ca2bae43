namespace Vlm.Trainer.Config;

/// <summary>Sampling on vLLM servers over their OpenAI API: every step gives them the run's adapters. Needs <c>lora</c> and <c>loss.sampler_cap</c>.</summary>
public sealed record VllmConfig
{
    private const int MostServers = 64, MostPrompts = 256, MostAttempts = 10;
    private const double MostSeconds = 86400;

    /// <summary>Addresses, such as <c>http://gpu-1:8000</c>; 1 to 64.</summary>
    public required IReadOnlyList<string> Servers { get; init; }

    /// <summary>Folder that adapters are written to, one in it for each step; null: <c>adapters</c> in the run's folder.</summary>
    public string? AdapterFolder { get; init; }

    /// <summary>The same folder as the servers see it; null: under the same path.</summary>
    public string? AdapterFolderOfServers { get; init; }

    /// <summary>Prompts that one server is asked about at the same time. 1 to 256.</summary>
    public int PromptsAtOnce { get; init; } = 8;

    /// <summary>How often a prompt is asked at most, over all servers, before the run stops. 1 to 10.</summary>
    public int Attempts { get; init; } = 3;

    /// <summary>Seconds that all completions of a prompt, or loading an adapter, may take. 1 to 86400.</summary>
    public double TimeoutSeconds { get; init; } = 600;

    /// <summary>Checks ranges, and what the run must be like.</summary>
    /// <param name="where">Named by the error, such as the file.</param>
    /// <param name="run">The run that it belongs to.</param>
    /// <exception cref="InvalidDataException">Says what is wrong.</exception>
    public void Validate(string where, GrpoConfig run)
    {
        ArgumentNullException.ThrowIfNull(run);
        Check(Servers.Count is >= 1 and <= MostServers, $"expected 1 to {MostServers} servers, found {Servers.Count}");
        foreach (var server in Servers)
        {
            var isAddress = Uri.TryCreate(server, UriKind.Absolute, out var address) && address.Scheme is "http" or "https";
            Check(isAddress, $"'{server}' is no address; expected one such as http://gpu-1:8000");
        }
        Check(Servers.Distinct(StringComparer.OrdinalIgnoreCase).Count() == Servers.Count, "a server is named twice");
        Check(PromptsAtOnce is >= 1 and <= MostPrompts, $"expected prompts_at_once from 1 to {MostPrompts}, found {PromptsAtOnce}");
        Check(Attempts is >= 1 and <= MostAttempts, $"expected attempts from 1 to {MostAttempts}, found {Attempts}");
        Check(TimeoutSeconds is >= 1 and <= MostSeconds, $"expected timeout_seconds from 1 to {MostSeconds}, found {TimeoutSeconds}");
        Check(run.Lora is not null, "expected 'lora' beside it, as it is adapters that servers are given");
        Check(run.Loss.SamplerCap is not null, "expected loss.sampler_cap, such as 2: a server's numbers are not quite those of the trainer");
        Check(run.Rollouts == RolloutKind.Free, "expected \"rollouts\": \"free\"; servers cannot hold replies to the grammar");

        void Check(bool holds, string problem)
        {
            if (!holds) throw new InvalidDataException($"{where}: vllm: {problem}.");
        }
    }
}
