using Vlm.Text;
using Vlm.Trainer.Sampling;

namespace Vlm.Trainer.Tests.Sampling;

public sealed class AnswerConfidenceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tokenizer").FullName;
    private readonly Tokenizer _tokenizer;

    public AnswerConfidenceTests()
    {
        SmallTokenizer.Write(_folder);
        _tokenizer = Tokenizer.Load(Path.Combine(_folder, "tokenizer.json"));
    }

    [Fact]
    public void It_is_the_product_over_the_tokens_between_the_answers_tags()
    {
        var before = _tokenizer.Encode("<chars> c a t</chars>\n</think>\n<answer>");
        int[] ids = [.. before, .. _tokenizer.Encode("cat"), .. _tokenizer.Encode("</answer>"), _tokenizer.Id("<|im_end|>")];
        var logs = Enumerable.Repeat(MathF.Log(0.25f), ids.Length).ToArray();
        for (var i = 0; i < 3; i++) logs[before.Length + i] = MathF.Log(0.5f);
        Assert.Equal(0.125, AnswerConfidence.Of(_tokenizer, ids, logs)!.Value, 6);
    }

    [Theory]
    [InlineData("<chars> c a t</chars>\n</think>\n<answer>cat"), InlineData("cat</answer>"), InlineData("<answer></answer>"), InlineData("")]
    public void Without_an_answer_there_is_none(string text)
    {
        var ids = _tokenizer.Encode(text);
        Assert.Null(AnswerConfidence.Of(_tokenizer, ids, new float[ids.Length]));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
