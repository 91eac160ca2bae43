using Vlm.Trainer.Config;
using Vlm.Trainer.Model;

namespace Vlm.Trainer.Tests.Config;

public sealed class VllmConfigTests
{
    [Fact]
    public void Servers_need_adapters_a_cap_on_importance_weights_and_free_replies()
    {
        var right = Run();
        right.Vllm!.Validate("a.json", right);
        Refused("expected 'lora' beside it", right with { Lora = null });
        Refused("expected loss.sampler_cap", right with { Loss = new LossConfig() });
        Refused("cannot hold replies", right with { Rollouts = RolloutKind.Held });
    }

    [Fact]
    public void What_is_out_of_range_is_named()
    {
        Refused("expected 1 to 64 servers, found 0", Run([]));
        Refused("'gpu-1:8000' is no address", Run(["gpu-1:8000"]));
        Refused("named twice", Run(["http://gpu-1:8000", "http://GPU-1:8000"]));
        Refused("prompts_at_once from 1 to 256, found 0", With(vllm => vllm with { PromptsAtOnce = 0 }));
        Refused("attempts from 1 to 10, found 11", With(vllm => vllm with { Attempts = 11 }));
        Refused("timeout_seconds from 1 to 86400, found 0.5", With(vllm => vllm with { TimeoutSeconds = 0.5 }));
    }

    private static void Refused(string problem, GrpoConfig run)
    {
        var error = Assert.Throws<InvalidDataException>(() => run.Vllm!.Validate("a.json", run));
        Assert.StartsWith("a.json: vllm: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    private static GrpoConfig With(Func<VllmConfig, VllmConfig> change)
    {
        var run = Run();
        return run with { Vllm = change(run.Vllm!) };
    }

    private static GrpoConfig Run(string[]? servers = null) => GrpoConfig.Load(Path.Combine(Repository.Root, "configs", "grpo-test.json")) with
    {
        Lora = new LoraConfig(),
        Loss = new LossConfig { SamplerCap = 2 },
        Vllm = new VllmConfig { Servers = servers ?? ["http://gpu-1:8000", "https://gpu-2"] },
    };
}
