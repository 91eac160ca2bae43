using System.Text.Json;
using Vlm.Cryptogram;
using Vlm.Package;
using Vlm.Text;

namespace Vlm.Core.Tests.Text;

public sealed class SmallTokenizerTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Tokenizer _tokenizer;

    public SmallTokenizerTests()
    {
        SmallTokenizer.Write(_folder.Path);
        _tokenizer = Tokenizer.Load(_folder.File("tokenizer.json"));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void There_are_299_ids_without_a_gap_and_the_unseen_letter_is_the_last()
    {
        var json = JsonDocument.Parse(File.ReadAllBytes(_folder.File("tokenizer.json"))).RootElement;
        var ids = json.GetProperty("model").GetProperty("vocab").EnumerateObject().Select(entry => entry.Value.GetInt32())
            .Concat(json.GetProperty("added_tokens").EnumerateArray().Select(token => token.GetProperty("id").GetInt32()));

        Assert.Equal(Enumerable.Range(0, SmallTokenizer.Count), ids.Order());
        Assert.True(SmallTokenizer.VocabSize >= SmallTokenizer.Count);
        Assert.Equal([SmallTokenizer.Count - 1], _tokenizer.Encode(SmallTokenizer.Unseen));
    }

    [Fact]
    public void Every_spaced_letter_the_gap_and_the_arrow_are_one_token()
    {
        foreach (var text in Enumerable.Range('a', 26).Select(letter => $" {(char)letter}").Append(" _").Append("→"))
            Assert.Single(_tokenizer.Encode(text));
    }

    [Fact]
    public void A_mapping_line_is_four_tokens()
    {
        Assert.Equal(4, _tokenizer.Encode(" q→ ?\n").Length);
        Assert.Equal(4, _tokenizer.Encode(" q→ c\n").Length);
        Assert.Equal(4, _tokenizer.Encode(" _→ _\n").Length);
        Assert.Equal(8, _tokenizer.Encode(" q→ c\n _→ _\n").Length);
    }

    [Theory]
    [InlineData("<|endoftext|>")]
    [InlineData("<|im_start|>")]
    [InlineData("<|im_end|>")]
    [InlineData("<|vision_start|>")]
    [InlineData("<|vision_end|>")]
    [InlineData("<|image_pad|>")]
    [InlineData("<|video_pad|>")]
    [InlineData("<think>")]
    [InlineData("</think>")]
    [InlineData("<chars>")]
    [InlineData("</chars>")]
    [InlineData("<answer>")]
    [InlineData("</answer>")]
    public void Special_strings_and_tags_are_one_token_with_the_id_that_is_announced(string token)
    {
        Assert.Equal([SmallTokenizer.Id(token)], _tokenizer.Encode(token));
        Assert.Equal(SmallTokenizer.Id(token), _tokenizer.Id(token));
    }

    [Fact]
    public void Tags_survive_decoding_without_special_tokens_and_special_strings_do_not()
    {
        var ids = _tokenizer.Encode("<think>\n q→ c\n</think>\n<answer>c</answer><|im_end|>");

        Assert.Equal("<think>\n q→ c\n</think>\n<answer>c</answer>", _tokenizer.Decode(ids, skipSpecial: true));
    }

    [Theory]
    [InlineData("ca? dog", " ? c a ? _ ?")]
    [InlineData("?? ?at", " ? ? _ ?")]
    public void Unseen_letters_survive_encoding_and_decoding_in_every_place(string answer, string chars)
    {
        var text = $" q→ ?\n<chars>{chars}</chars>\n</think>\n<answer>{answer}</answer>";
        Assert.Equal(text, _tokenizer.Decode(_tokenizer.Encode(text)));
        var thinking = _tokenizer.Encode(text[..text.IndexOf("<answer>", StringComparison.Ordinal)]);
        Assert.Equal(chars.Count(letter => letter == '?') + 1, thinking.Count(id => id == SmallTokenizer.Id(SmallTokenizer.Unseen)));
    }

    [Fact]
    public void A_prompt_is_the_picture_the_symbols_and_seven_more_tokens()
    {
        foreach (var (code, symbols, imageTokens) in new[] { ("q x _ a y f", 6, 81), ("a", 1, 1), ("q w e r t y _ q w e", 10, 196) })
        {
            var ids = _tokenizer.Encode(PromptTemplate.Small.Text(code, imageTokens));

            Assert.Equal(imageTokens + symbols + 7, ids.Length);
            Assert.Equal(imageTokens, ids.Count(id => id == SmallTokenizer.Id(SmallTokenizer.ImagePad)));
            Assert.Equal(SmallTokenizer.Id(SmallTokenizer.VisionStart), ids[Array.IndexOf(ids, SmallTokenizer.Id(SmallTokenizer.ImagePad)) - 1]);
        }
    }

    [Fact]
    public void The_longest_reply_fits_the_small_prompts_limit()
    {
        var longest = WordList.Train.Concat(WordList.HeldOut).MaxBy(word => word.Length)!;
        var answer = $"{longest} {longest} {longest}";
        var reply = ReplyText.MappingLines(Message.Spaced(answer), Message.Spaced(answer)) + ReplyText.Ending(answer) + SmallTokenizer.TurnEnd;

        Assert.True(_tokenizer.Encode(reply).Length <= PromptTemplate.Small.MaxNewTokens, $"{_tokenizer.Encode(reply).Length} tokens");
    }

    [Fact]
    public void Any_text_survives_the_round_trip()
    {
        foreach (var text in new[] { "Any text: naïve, 日本, 🙂.\n\ttabs and  spaces", "", "don't", " q→ c" })
            Assert.Equal(text, _tokenizer.Decode(_tokenizer.Encode(text)));
    }

    [Fact]
    public void An_unknown_token_is_refused_by_name() =>
        Assert.Contains("<|nothing|>", Assert.Throws<ArgumentException>(() => SmallTokenizer.Id("<|nothing|>")).Message, StringComparison.Ordinal);
}
