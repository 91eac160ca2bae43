using Vlm.CommandLine;
using Vlm.Trainer.Commands;
using Vlm.Trainer.Config;
using Vlm.Trainer.Model;
using Vlm.Trainer.Tests.Grpo;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Model;

[Collection("seeded")]
public sealed class ComputeTests
{
    [Theory]
    [InlineData("gpu"), InlineData("cuda:x"), InlineData("cuda:-1"), InlineData("")]
    public void A_device_that_has_no_name_here_is_refused_with_the_names_there_are(string name)
        => Assert.Contains("cpu, cuda or cuda:<number>", Assert.Throws<UsageException>(() => Compute.FindDevice(name)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_device_that_this_build_or_machine_does_not_have_is_refused_and_says_what_to_use()
    {
        Assert.SkipWhen(cuda.is_available(), "there is a GPU");
        var said = Assert.Throws<UsageException>(() => Compute.FindDevice("cuda:0")).Message;
        Assert.Contains("'cuda:0'", said, StringComparison.Ordinal);
        Assert.Contains("Use cpu", said, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_on_a_device_that_is_not_there_is_wrong_usage_and_writes_no_checkpoint()
    {
        Assert.SkipWhen(cuda.is_available(), "there is a GPU");
        var runs = Directory.CreateTempSubdirectory("device").FullName;
        try
        {
            Assert.Equal(2, TinyCheckpoint.Run(RunCommands.Train(), TinyCheckpoint.ConfigPath, "--runs", runs, "--device", "cuda:0"));
            Assert.False(Directory.Exists(Path.Combine(runs, "test", "checkpoint")));
        }
        finally
        {
            Directory.Delete(runs, recursive: true);
        }
    }

    [Theory]
    [InlineData("grpo"), InlineData("eval"), InlineData("reply"), InlineData("finder")]
    public void Every_verb_that_computes_refuses_a_device_that_is_not_there(string verb)
    {
        Assert.SkipWhen(cuda.is_available(), "there is a GPU");
        var folder = Directory.CreateTempSubdirectory("device").FullName;
        try
        {
            var start = Path.Combine(folder, "start");
            TinyPolicy.Write(start);
            var config = Path.Combine(folder, "grpo-test.json");
            (GrpoConfig.Load(Path.Combine(Repository.Root, "configs", "grpo-test.json")) with { From = start }).Save(config);
            Assert.Equal(ExitCode.WrongUsage, verb switch
            {
                "grpo" => TinyCheckpoint.Run(RunCommands.Grpo(), config, "--runs", folder, "--device", "cuda:0"),
                "eval" => TinyCheckpoint.Run(EvalCommand.Create(), start, "--out", Path.Combine(folder, "out.json"), "--device", "cuda:0"),
                "reply" => TinyCheckpoint.Run(ReplyCommand.Create(), start, "--device", "cuda:0"),
                _ => TinyCheckpoint.Run(RunCommands.Finder(), Path.Combine(Repository.Root, "configs", "finder.json"), "--device", "cuda:0"),
            });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Weights_are_on_the_models_device_in_its_type_from_the_start()
    {
        using var golden = new GoldenModel();
        using var half = ModelWeights.Load(golden.Checkpoint, Compute.Exact with { Weights = bfloat16 });
        Assert.All(half.parameters(), p => Assert.Equal(bfloat16, p.dtype));
        Assert.All(golden.Model.named_parameters().Zip(half.named_parameters()), pair =>
            Assert.Equal(0, GoldenModel.Difference(pair.First.name, pair.First.parameter.to(bfloat16).to(float32), pair.Second.parameter.to(float32))));
    }
}
