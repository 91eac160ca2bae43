using Vlm.Cryptogram;
using Vlm.Text;

namespace Vlm.Solving;

/// <summary>Finds the tokens behind parts of a reply's text.</summary>
internal sealed class ReplyTokens(Tokenizer tokenizer, Generation generation)
{
    private const string Open = "<answer>";
    private const string Close = "</answer>";

    private readonly int[] _tokens = generation.TextTokens;

    public string Text { get; } = tokenizer.Decode(generation.TextTokens);

    /// <summary>The geometric mean of the probabilities of the tokens between the answer's tags; null when there is no answer.</summary>
    public double? AnswerProbability()
    {
        var open = Text.IndexOf(Open, StringComparison.Ordinal);
        var close = Text.LastIndexOf(Close, StringComparison.Ordinal);
        if (open < 0 || close < open + Open.Length) return null;
        var first = Reaching(open + Open.Length);
        var end = Math.Max(first + 1, Reaching(close));
        return end > _tokens.Length ? null : Math.Exp(generation.Choices.Skip(first).Take(end - first).Average(choice => choice.LogProbability));
    }

    /// <summary>Which choices wrote which field; null when the reply does not have all of them.</summary>
    public ReplyFields? Fields()
    {
        var chars = Between("<chars>", "</chars>");
        var answer = Between(Open, Close);
        if (chars is null || answer is null) return null;
        var mapping = MappingValues(Reaching(Text.IndexOf("<chars>", StringComparison.Ordinal)));
        return new ReplyFields(mapping, Letters(chars.Value), Letters(answer.Value));
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

    private List<int> Letters((int First, int End) field) => [.. Enumerable.Range(field.First, field.End - field.First).Where(i => IsLetters(Piece(i)))];

    private (int First, int End)? Between(string open, string close)
    {
        var (start, stop) = (Text.IndexOf(open, StringComparison.Ordinal), Text.LastIndexOf(close, StringComparison.Ordinal));
        if (start < 0 || stop < start + open.Length) return null;
        var first = Reaching(start + open.Length);
        return (first, Math.Clamp(Reaching(stop), first, _tokens.Length));
    }

    private static bool IsLetters(string text) => text.Any(character => char.IsAsciiLetter(character) || character == Message.Gap) && !text.Contains('<', StringComparison.Ordinal);

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

    /// <summary>The fewest leading tokens whose text has at least so many characters.</summary>
    private int Reaching(int length)
    {
        var (low, high) = (0, _tokens.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (tokenizer.Decode(_tokens.AsSpan(0, middle)).Length >= length) high = middle;
            else low = middle + 1;
        }
        return low;
    }

    private string Piece(int index) => tokenizer.Decode(_tokens.AsSpan(index, 1));
}
