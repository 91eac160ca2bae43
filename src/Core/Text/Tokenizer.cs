using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;
using Vlm.Model;

namespace Vlm.Text;

/// <summary>Byte-level BPE from <c>tokenizer.json</c>: text to token ids and back, as Hugging Face's tokenizers do it.</summary>
/// <remarks>May be used on several threads at once.</remarks>
public sealed class Tokenizer
{
    private readonly BpeTokenizer _merges;
    private readonly bool _normalizes;
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<int, string> _tokens;
    private readonly Dictionary<int, AddedToken> _added;
    private readonly Finder _verbatim;
    private readonly Finder _normalized;

    private Tokenizer(TokenizerFile file)
    {
        var split = new CodePointSplit(file.Expression());
        _merges = BpeTokenizer.Create(new BpeOptions(file.Vocabulary) { Merges = file.Merges, ByteLevel = true, PreTokenizer = split });
        _normalizes = file.Normalizes;
        _ids = file.Vocabulary;
        _tokens = file.Vocabulary.ToDictionary(token => token.Value, token => token.Key);
        _added = file.Added.ToDictionary(token => token.Id);
        _verbatim = new Finder(file.Added.Where(token => !token.Normalized));
        _normalized = new Finder(file.Added.Where(token => token.Normalized).Select(token => token with { Content = Normalize(token.Content) }));
        foreach (AddedToken token in file.Added)
            _ids[token.Content] = token.Id;
        Count = Math.Max(_tokens.Keys.Max(), _added.Keys.DefaultIfEmpty(-1).Max()) + 1;
    }

    /// <summary>One more than the greatest id; the model's embedding may have more rows.</summary>
    public int Count { get; }

    /// <summary>Reads the file.</summary>
    /// <exception cref="CheckpointException">Missing, not JSON, another kind of tokenizer, or a vocabulary without all 256 bytes.</exception>
    public static Tokenizer Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        TokenizerFile file = TokenizerFile.Load(path);
        for (int value = 0; value < 256; value++)
        {
            if (!file.Vocabulary.ContainsKey(ByteLetters.Letter((byte)value).ToString()))
                throw new CheckpointException($"{path} has no token for byte {value}; a byte-level vocabulary has one for each of the 256.");
        }
        try
        {
            return new Tokenizer(file);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or FormatException)
        {
            throw new CheckpointException($"{path} cannot be used: {error.Message} Are vocabulary and merges from the same tokenizer?", error);
        }
    }

    /// <summary>The ids of a text. No template, no prefix space and no begin token; the strings of added tokens become their ids.</summary>
    /// <param name="text">Anything; half a surrogate pair counts as U+FFFD.</param>
    public int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var result = new List<int>();
        _verbatim.Cut(
            WellFormed(text), result, between => _normalized.Cut(Normalize(between), result, plain => result.AddRange(_merges.EncodeToIds(plain))));
        return [.. result];
    }

    /// <summary>The text of ids. Ids that the tokenizer lacks give nothing; bytes that are not UTF-8 give U+FFFD.</summary>
    /// <param name="ids">Any numbers.</param>
    /// <param name="skipSpecial">Leaves out the added tokens that are special; other added tokens stay.</param>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecial = false) => Encoding.UTF8.GetString(Bytes(ids, skipSpecial).WrittenSpan);

    /// <summary>The bytes that a token stands for: one token may hold a part of a character only. None for an id that the tokenizer lacks.</summary>
    /// <param name="id">Any number.</param>
    public byte[] Bytes(int id) => Bytes([id], skipSpecial: false).WrittenSpan.ToArray();

    /// <summary>The id of an added token, or of a token spelled as in the vocabulary.</summary>
    /// <exception cref="CheckpointException">There is no such token.</exception>
    public int Id(string token) => _ids.TryGetValue(token, out int id)
        ? id
        : throw new CheckpointException($"The tokenizer has no token '{token}'. Does tokenizer.json belong to this model?");

    private ArrayBufferWriter<byte> Bytes(ReadOnlySpan<int> ids, bool skipSpecial)
    {
        var bytes = new ArrayBufferWriter<byte>(Math.Max(ids.Length * 4, 16));
        foreach (int id in ids)
        {
            if (_added.TryGetValue(id, out AddedToken? token))
            {
                if (!(skipSpecial && token.Special))
                    Encoding.UTF8.GetBytes(token.Content, bytes);
            }
            else if (_tokens.TryGetValue(id, out string? letters))
            {
                ByteLetters.Write(letters, bytes);
            }
        }
        return bytes;
    }

    private string Normalize(string text) => _normalizes ? Nfc.Normalize(text) : text;

    private static string WellFormed(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return text;
        var result = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            result.Append(rune.ToString());
        return result.ToString();
    }

    /// <summary>Finds added tokens from left to right, the longest first where several begin at one place.</summary>
    private sealed class Finder(IEnumerable<AddedToken> tokens)
    {
        private readonly AddedToken[] _longestFirst = [.. tokens.OrderByDescending(token => token.Content.Length)];
        private readonly SearchValues<string> _contents = SearchValues.Create([.. tokens.Select(token => token.Content)], StringComparison.Ordinal);

        /// <summary>Adds the ids of the tokens found; what lies between them goes to <paramref name="rest"/>.</summary>
        public void Cut(string text, List<int> result, Action<string> rest)
        {
            int at = 0;
            while (at < text.Length)
            {
                int found = _longestFirst.Length == 0 ? -1 : text.AsSpan(at).IndexOfAny(_contents);
                int end = found < 0 ? text.Length : at + found;
                if (end > at)
                    rest(text[at..end]);
                if (found < 0)
                    return;
                AddedToken token = _longestFirst.First(each => string.CompareOrdinal(text, end, each.Content, 0, each.Content.Length) == 0);
                result.Add(token.Id);
                at = end + token.Content.Length;
            }
        }
    }
}
