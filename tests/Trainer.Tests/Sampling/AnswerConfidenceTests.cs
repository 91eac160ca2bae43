using Vlm.Text;
using Vlm.Trainer.Sampling;

namespace Vlm.Trainer.Tests.Sampling;

public sealed class AnswerConfidenceTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("tokenizer").FullName;
    private readonly Tokenizer tokenizer;

    public AnswerConfidenceTests()
    {
        SmallTokenizer.Write(folder);
        tokenizer = Tokenizer.Load(Path.Combine(folder, "tokenizer.json"));
    }

    [Fact]
    public void It_is_the_product_over_the_tokens_between_the_answers_tags()
    {
        var before = tokenizer.Encode("<chars> c a t</chars>\n</think>\n<answer>");
        int[] ids = [.. before, .. tokenizer.Encode("cat"), .. tokenizer.Encode("</answer>"), tokenizer.Id("<|im_end|>")];
        var logs = Enumerable.Repeat(MathF.Log(0.25f), ids.Length).ToArray();
        for (var i = 0; i < 3; i++) logs[before.Length + i] = MathF.Log(0.5f);
        Assert.Equal(0.125, AnswerConfidence.Of(tokenizer, ids, logs)!.Value, 6);
    }

    [Theory]
    [InlineData("<chars> c a t</chars>\n</think>\n<answer>cat"), InlineData("cat</answer>"), InlineData("<answer></answer>"), InlineData("")]
    public void Without_an_answer_there_is_none(string text)
    {
        var ids = tokenizer.Encode(text);
        Assert.Null(AnswerConfidence.Of(tokenizer, ids, new float[ids.Length]));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
