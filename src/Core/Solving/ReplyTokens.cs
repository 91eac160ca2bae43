using Vlm.Cryptogram;
using Vlm.Text;

namespace Vlm.Solving;

/// <summary>Finds the tokens that make parts of a reply's text.</summary>
internal sealed class ReplyTokens(Tokenizer tokenizer, Generation generation)
{
    private readonly int[] _tokens = generation.TextTokens;

    public string Text { get; } = tokenizer.Decode(generation.TextTokens);

    /// <summary>The geometric mean of the probabilities of the tokens between the answer's tags; null when there is no answer.</summary>
    public double? AnswerProbability() => Span(ReplyText.Answer) is { Count: > 0 } answer
        ? Math.Exp(generation.Choices.Skip(answer.First).Take(answer.Count).Average(choice => choice.LogProbability))
        : null;

    /// <summary>Which choices wrote which field; null when the reply does not have all of them.</summary>
    public ReplyFields? Fields()
    {
        if (Span(ReplyText.Chars) is not { } chars || Span(ReplyText.Answer) is not { } answer) return null;
        var mappingEnd = TokenSpan.Reaching(tokenizer, _tokens, Text.IndexOf(ReplyText.Chars.Open, StringComparison.Ordinal));
        return new ReplyFields(MappingValues(mappingEnd), Letters(chars), Letters(answer));
    }

    /// <summary>Where the model looked for every plain letter of the mapping lines: attention belongs to the token that was chosen from it.</summary>
    public IReadOnlyList<LetterAttention> Letters()
    {
        if (generation.Attention is not { } attention) return [];
        var letters = new List<LetterAttention>();
        for (var i = 1; i + 1 < _tokens.Length; i++)
        {
            var text = Piece(i);
            if (text.Contains('<', StringComparison.Ordinal)) break;
            if (!text.Contains(ReplyText.Arrow, StringComparison.Ordinal)) continue;
            var (coded, plain) = (Piece(i - 1).Trim(), Piece(i + 1).Trim());
            if (coded.Length == 1 && plain.Length == 1 && char.IsAsciiLetter(coded[0])) letters.Add(new LetterAttention(coded[0], plain[0], attention[i + 1]));
        }
        return letters;
    }

    /// <summary>The choices of letters and gaps after an arrow, up to the end of its line.</summary>
    private List<int> MappingValues(int end)
    {
        var values = new List<int>();
        var isAfterArrow = false;
        for (var i = 0; i < Math.Min(end, _tokens.Length); i++)
        {
            var text = Piece(i);
            if (isAfterArrow && IsLetters(text)) values.Add(i);
            if (text.Contains(ReplyText.Arrow, StringComparison.Ordinal)) isAfterArrow = true;
            if (text.Contains('\n', StringComparison.Ordinal)) isAfterArrow = false;
        }
        return values;
    }

    private TokenSpan? Span(ReplySection section) => TokenSpan.Between(tokenizer, _tokens, section.Open, section.Close);

    private List<int> Letters(TokenSpan span) => [.. Enumerable.Range(span.First, span.Count).Where(i => IsLetters(Piece(i)))];

    private static bool IsLetters(string text) =>
        text.Any(character => char.IsAsciiLetter(character) || character is Message.Gap or Message.Unseen) && !text.Contains('<', StringComparison.Ordinal);

    private string Piece(int index) => tokenizer.Decode(_tokens.AsSpan(index, 1));
}
