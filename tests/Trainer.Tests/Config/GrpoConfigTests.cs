using System.Text.Json.Nodes;
using Vlm.Trainer.Config;

namespace Vlm.Trainer.Tests.Config;

public sealed class GrpoConfigTests : IDisposable
{
    private const string Smallest = """
        { "name": "g", "seed": 1, "from": "models/x/checkpoint", "steps": 5, "prompts_per_step": 4, "group_size": 8,
          "learning_rate": 1e-5, "drawn_pictures": { "camera": 0 } }
        """;

    private readonly string _file = Path.GetTempFileName();

    [Fact]
    public void The_smallest_configuration_has_the_reference_rewards_and_survives_saving()
    {
        var config = Load(_ => { });
        Assert.Equal(["format", "chars", "correctness", "soft_correctness"], config.Rewards.Terms.Select(term => RewardTerm.Label(term.Name)));
        config.Save(_file);
        Assert.Equivalent(config, GrpoConfig.Load(_file));
    }

    [Fact]
    public void Every_choice_is_spelled_in_snake_case()
    {
        var config = Load(json =>
        {
            json["loss"] = JsonNode.Parse(
                """{ "aggregate": "constant", "ratio": "sequence", "kl": "k3_corrected", "beta": 0.01, "dual_clip": 3, "sampler_cap": 2 }""");
            json["reference"] = JsonNode.Parse("""{ "kind": "resync", "every": 64, "mixup": 0.9 }""");
            json["rewards"] = JsonNode.Parse("""
                { "terms": [ { "name": "soft_correctness", "weight": 1 },
                             { "name": "overlong", "weight": 1, "schedule": { "to": 0, "first_step": 0, "last_step": 9 } } ],
                  "confidence": "reply", "soft_overlong": { "max_length": 200, "cache": 40 } }
                """);
        });
        Assert.Equal((LossAggregate.Constant, RatioLevel.Sequence, KlEstimator.K3Corrected), (config.Loss.Aggregate, config.Loss.Ratio, config.Loss.Kl));
        Assert.Equal(new RewardSchedule(0, 0, 9), config.Rewards.Terms[1].Schedule);
    }

    [Theory]
    [InlineData("""{ "grop_size": 4 }""", "grop_size")]
    [InlineData("""{ "group_size": 1 }""", "group_size is 1; expected at least 2")]
    [InlineData("""{ "minibatches": 5 }""", "5 equal minibatches")]
    [InlineData("""{ "loss": { "beta": 0.1 } }""", "reference.kind is \"none\"")]
    [InlineData("""{ "loss": { "dual_clip": 1.1 } }""", "dual_clip above 1 + clip_high = 1.2, found 1.1")]
    [InlineData("""{ "loss": { "clip_low": -1 } }""", "clip_low from 0 to 1, found -1")]
    [InlineData("""{ "rewards": { "terms": [] } }""", "'terms' is empty")]
    [InlineData("""{ "rewards": { "terms": [ { "name": "chars", "weight": 1 }, { "name": "chars", "weight": 2 } ] } }""", "'chars' is named twice")]
    [InlineData("""{ "rewards": { "terms": [ { "name": "chars", "weight": -1 } ] } }""", "'chars' has weight -1")]
    [InlineData("""{ "rewards": { "terms": [ { "name": "chars", "weight": 1, "schedule": { "to": 0, "first_step": 0, "last_step": 5 } } ] } }""",
        "at some step all weights are 0")]
    [InlineData("""{ "rewards": { "terms": [ { "name": "overlong", "weight": 1 } ] } }""", "need each other")]
    [InlineData("""{ "rewards": { "terms": [ { "name": "pair", "weight": 1 } ] } }""", "'twin_pictures' need each other")]
    [InlineData("""{ "rewards": { "terms": [ { "name": "pair", "weight": 1 } ] }, "twin_pictures": { "reference400": 1 } }""", "must all be camera pictures")]
    [InlineData("""{ "reference": { "mixup": 0 } }""", "reference.mixup is 0")]
    [InlineData("""{ "rollouts": "held", "rewards": { "terms": [ { "name": "brier", "weight": 1 } ] } }""", "rewards.confidence is \"answer\"")]
    [InlineData("""{ "rollouts": "half" }""", "rollouts")]
    [InlineData("""{ "final_share": 1.5 }""", "final_share is 1.5; expected 0 to 1")]
    [InlineData("""{ "advantages": { "gdpo": true, "winners": true } }""", "expected one of them at most")]
    [InlineData("""{ "rewards": { "honesty": { "guess": -1 } } }""", "honesty has unseen 1 and guess -1")]
    [InlineData("""{ "strata": { "absent": 1 }, "rewards": { "terms": [ { "name": "pair", "weight": 1 } ] }, "twin_pictures": { "camera": 1 } }""",
        "'twin_pictures' and 'strata'")]
    [InlineData("""{ "trains": "tower" }""", "trains is \"tower\"; expected \"everything\" or \"decoder\"")]
    [InlineData("""{ "trains": "decoder", "lora": { "r": 4 } }""", "name its layers in lora.target_modules")]
    [InlineData("""{ "revisit": { "share": 1 } }""", "revisit.share is 1; expected at least 0 and less than 1")]
    [InlineData("""{ "revisit": { "share": 0.5, "most": 257 } }""", "revisit.most is 257; expected 1 to 256")]
    [InlineData("""{ "optimizer": { "bf16_moments": true, "beta2": 0.999 } }""", "bf16_moments needs beta1, beta2 and muon_momentum of at most 0.98")]
    [InlineData("""{ "dynamic_sampling": { "enabled": true, "max_rounds": 0 } }""", "dynamic_sampling.max_rounds is 0")]
    public void What_does_not_fit_is_refused_by_name(string changes, string expected)
    {
        var error = Assert.Throws<InvalidDataException>(() => Load(json =>
        {
            foreach (var (name, value) in JsonNode.Parse(changes)!.AsObject()) json[name] = value?.DeepClone();
        }));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.StartsWith(_file, error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => File.Delete(_file);

    private GrpoConfig Load(Action<JsonObject> change)
    {
        var json = JsonNode.Parse(Smallest)!.AsObject();
        change(json);
        File.WriteAllText(_file, json.ToJsonString());
        return GrpoConfig.Load(_file);
    }
}
