using Vlm.Cryptogram;
using Vlm.Engine;
using Vlm.Package;
using Vlm.Text;

namespace Vlm.Solving;

/// <summary>
/// What the reply to a code can be, in the layout of <see cref="ReplyText"/>: one plain letter per coded letter and no plain letter twice, or, where the
/// vocabulary has a token for it, <c>?</c> for any number of letters that the picture does not show. Only the plain
/// letters of the mapping lines are open; everything else follows from the code and from them.
/// </summary>
/// <remarks>
/// Constrained decoding: a token that breaks a rule which no right answer breaks (<see cref="Verifier"/>, V1 to V7) is not taken. What such tokens would have
/// had of the probability is kept beside the choice (<see cref="Choice.Removed"/>), so that a broken rule still warns. Thread-safe.
/// </remarks>
public sealed class ReplyGrammar
{
    private readonly Tokenizer _tokenizer;
    private readonly int _stop;

    /// <param name="tokenizer">Must have a token of its own for <c>" a"</c> to <c>" z"</c> and <c>" _"</c>.</param>
    /// <param name="stop">The token that ends a reply.</param>
    /// <exception cref="ModelException">The tokenizer cuts letters otherwise.</exception>
    public ReplyGrammar(Tokenizer tokenizer, int stop)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        (_tokenizer, _stop) = (tokenizer, stop);
        var symbols = "abcdefghijklmnopqrstuvwxyz_".ToDictionary(symbol => symbol, symbol => tokenizer.Encode($" {symbol}") is [var token]
            ? token
            : throw new ModelException(
                $"prompt.json promises replies in mapping lines, for which the tokenizer needs one token for ' {symbol}'; it has none. " +
                "Take \"mapping_lines\" out of prompt.json."));
        if (tokenizer.Encode($" {Message.Unseen}") is [var unseen]) symbols.Add(Message.Unseen, unseen);
        Symbols = symbols;
    }

    /// <summary>The token of every symbol with the space before it; that of unseen letters only where the vocabulary has one.</summary>
    internal IReadOnlyDictionary<char, int> Symbols { get; }

    /// <summary>The state before a reply's first token.</summary>
    /// <param name="code">The code in its normal form, <c>q x _ a y f</c>.</param>
    public ReplyState Start(string code)
    {
        ArgumentException.ThrowIfNullOrEmpty(code);
        var coded = code.Replace(" ", "", StringComparison.Ordinal);
        return new ReplyState(this, coded, Line(coded[0]));
    }

    /// <summary>The tokens between a mapping line's plain letter and the next one, or the end of the reply after the last.</summary>
    internal int[] Following(string coded, string plain)
    {
        var newline = _tokenizer.Encode("\n");
        return plain.Length < coded.Length
            ? [.. newline, .. Line(coded[plain.Length])]
            : [.. newline, .. _tokenizer.Encode(ReplyText.Ending(plain.Replace(Message.Gap, ' '))), _stop];
    }

    private int[] Line(char coded) => _tokenizer.Encode($" {coded}{ReplyText.Arrow}");
}

/// <summary>A reply so far. Immutable.</summary>
public sealed class ReplyState
{
    private static readonly Dictionary<char, char> Undecided = [];

    private readonly ReplyGrammar _grammar;
    private readonly string _coded;
    private readonly string _plain;
    private readonly ReadOnlyMemory<int> _given;
    private readonly IReadOnlyDictionary<char, char> _letters;

    /// <param name="grammar">Whose tokens.</param>
    /// <param name="coded">The symbols of the code.</param>
    /// <param name="given">The tokens that must come before the first symbol is open.</param>
    internal ReplyState(ReplyGrammar grammar, string coded, ReadOnlyMemory<int> given)
        : this(grammar, coded, "", given, Undecided)
    {
    }

    private ReplyState(ReplyGrammar grammar, string coded, string plain, ReadOnlyMemory<int> given, IReadOnlyDictionary<char, char> letters) =>
        (_grammar, _coded, _plain, _given, _letters) = (grammar, coded, plain, given, letters);

    /// <summary>The coded letter whose plain letter comes next; null where something else does.</summary>
    public char? Open => _given.IsEmpty && !HasAllLetters && _coded[_plain.Length] is not Message.Gap and var coded ? coded : null;

    /// <summary>Whether every symbol of the code has its plain one.</summary>
    public bool HasAllLetters => _plain.Length == _coded.Length;

    /// <summary>The tokens that may come next, at least one; none after the stop token.</summary>
    public IReadOnlyList<int> Allowed()
    {
        if (!_given.IsEmpty) return [_given.Span[0]];
        if (HasAllLetters) return [];
        if (Open is not { } coded) return [Token(Message.Gap)];
        if (_letters.TryGetValue(coded, out var decided)) return [Token(decided)];
        var before = _coded.IndexOf(coded, StringComparison.Ordinal);
        if (before < _plain.Length) return [Token(_plain[before])];
        return [.. _grammar.Symbols.Where(symbol => IsFree(symbol.Key)).Select(symbol => symbol.Value)];
    }

    private bool IsFree(char plain) => plain == Message.Unseen || (plain != Message.Gap && !_plain.Contains(plain, StringComparison.Ordinal));

    /// <summary>The state after a token.</summary>
    /// <exception cref="ArgumentException">The token is not allowed here.</exception>
    public ReplyState After(int token)
    {
        if (!Allowed().Contains(token)) throw new ArgumentException($"Token {token} is not allowed after '{_plain}' of the code '{_coded}'.", nameof(token));
        if (!_given.IsEmpty) return new ReplyState(_grammar, _coded, _plain, _given[1..], _letters);
        var plain = _plain + _grammar.Symbols.First(symbol => symbol.Value == token).Key;
        return new ReplyState(_grammar, _coded, plain, _grammar.Following(_coded, plain), _letters);
    }

    /// <summary>Whether the plain letters are decided beforehand.</summary>
    internal bool IsDecided => _letters.Count > 0;

    /// <summary>The same place in the reply with plain letters decided beforehand.</summary>
    /// <param name="letters">Coded to plain, no plain letter twice; agrees with what is written.</param>
    internal ReplyState With(IReadOnlyDictionary<char, char> letters) => new(_grammar, _coded, _plain, _given, letters);

    /// <summary>After the last symbol of the code: goes on with a mapping line for every letter that the code does not have.</summary>
    internal ReplyState WithRestOfAlphabet()
    {
        var coded = _coded + string.Concat(Enumerable.Range('a', 26).Select(letter => (char)letter).Where(letter => !IsInCode(letter)));
        return new ReplyState(_grammar, coded, _plain, _grammar.Following(coded, _plain), _letters);
    }

    /// <summary>Whether a reply can say that a letter was not seen.</summary>
    internal bool CanBeUnseen => _grammar.Symbols.ContainsKey(Message.Unseen);

    /// <summary>Whether the code has a letter.</summary>
    internal bool IsInCode(char coded) => _coded.Contains(coded, StringComparison.Ordinal);

    /// <summary>The token of a symbol.</summary>
    internal int Token(char symbol) => _grammar.Symbols[symbol];
}
