using Vlm.Trainer.Config;
using Vlm.Trainer.Model;
using Vlm.Trainer.Sampling;
using static TorchSharp.torch;

namespace Vlm.Trainer.Tests.Sampling;

public sealed class GreedyRepliesTests
{
    [Fact]
    public void Rows_of_a_batch_reply_as_they_do_alone_and_as_without_a_cache()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        manual_seed(4);
        using var model = new QwenVl(ModelPreset.Config(TrainConfig.Load(Path.Combine(Repository.Root, "configs", "test.json")).Model));
        InitialWeights.Draw(model);
        int[][] prompts = [[5, 6, 7, 8, 9, 10, 11], [40, 41, 42], [90]];
        var greedy = new GreedyReplies(model, 6);
        var together = greedy.To([.. prompts.Select(p => new TorchPrompt(null, p))]);
        for (var i = 0; i < prompts.Length; i++)
        {
            Assert.Equal(greedy.To([new TorchPrompt(null, prompts[i])])[0].Ids, together[i].Ids);
            Assert.Equal(Uncached(model, prompts[i], 6), together[i].Ids);
        }
    }

    private static List<int> Uncached(QwenVl model, int[] prompt, int count)
    {
        List<int> ids = [.. prompt];
        while (ids.Count < prompt.Length + count)
        {
            var positions = arange(ids.Count, dtype: int64).view(1, 1, -1).expand(3, 1, -1);
            var next = (int)model.Logits(tensor(ids.Select(i => (long)i).ToArray()).view(1, -1), positions, null)[0, -1].argmax().item<long>();
            if (model.Config.EosTokenIds.Contains(next)) break;
            ids.Add(next);
        }
        return ids[prompt.Length..];
    }
}
