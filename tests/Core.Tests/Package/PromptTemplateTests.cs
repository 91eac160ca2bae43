using Vlm.Package;

namespace Vlm.Core.Tests.Package;

public sealed class PromptTemplateTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_small_prompt_is_a_picture_a_code_and_an_opened_thinking_section() =>
        Assert.Equal(
            "<|im_start|><|vision_start|><|image_pad|><|image_pad|><|vision_end|> q x _ a y f<|im_end|><|im_start|><think>\n",
            PromptTemplate.Small.Text("q x _ a y f", 2));

    [Fact]
    public void The_instruction_holds_picture_and_code_once_and_ends_inside_the_thinking()
    {
        var text = PromptTemplate.Instruct.Text("q x _ a y f", 3);

        Assert.Contains("<|vision_start|><|image_pad|><|image_pad|><|image_pad|><|vision_end|>", text, StringComparison.Ordinal);
        Assert.Contains("The coded message is: q x _ a y f<|im_end|>", text, StringComparison.Ordinal);
        Assert.EndsWith("<think>\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_saved_prompt_is_loaded_as_it_was()
    {
        foreach (var template in new[] { PromptTemplate.Small, PromptTemplate.Small with { LeansOnWords = true }, PromptTemplate.Instruct })
        {
            template.Save(_folder.File("prompt.json"));
            var loaded = PromptTemplate.Load(_folder.File("prompt.json"));

            Assert.Equal(template with { StopTokens = loaded.StopTokens }, loaded);
            Assert.Equal(template.StopTokens, loaded.StopTokens);
        }
    }

    [Theory]
    [InlineData("""{"user":"{picture} x","assistant_prefix":"","stop_tokens":["e"],"max_new_tokens":9}""", "{code}")]
    [InlineData("""{"user":"{picture}{picture}{code}","assistant_prefix":"","stop_tokens":["e"],"max_new_tokens":9}""", "found 2 times")]
    [InlineData("""{"user":"{picture}{code}","assistant_prefix":"","stop_tokens":["e"],"max_new_tokens":0}""", "max_new_tokens")]
    [InlineData("""{"user":"{picture}{code}","assistant_prefix":"","stop_tokens":[],"max_new_tokens":9}""", "stop_tokens")]
    [InlineData("""{"user":"{picture}{code}","assistant_prefix":"","stop_tokens":["e"],"max_new_tokens":9,"extra":1}""", "extra")]
    [InlineData("""{"user":"{picture}{code}"}""", "assistant_prefix")]
    [InlineData("""{"user":"{picture}{code}","assistant_prefix":"","stop_tokens":["e"],"max_new_tokens":9,"leans_on_words":true}""", "mapping_lines")]
    [InlineData("null", "null")]
    [InlineData("{", "prompt.json")]
    public void A_wrong_prompt_file_is_refused_with_its_name_and_the_field(string json, string named)
    {
        var path = _folder.Write("prompt.json", json);

        var error = Assert.Throws<InvalidDataException>(() => PromptTemplate.Load(path));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_prompt_without_picture_tokens_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => PromptTemplate.Small.Text("a", 0));
}
