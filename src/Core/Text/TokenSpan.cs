namespace Vlm.Text;

/// <summary>The tokens of a text that wrote a part of it.</summary>
/// <param name="First">The first of them.</param>
/// <param name="End">The first one after them.</param>
public readonly record struct TokenSpan(int First, int End)
{
    /// <summary>How many.</summary>
    public int Count => End - First;

    /// <summary>
    /// The tokens of what stands between the first opening and the last closing tag; a tag may be one token, several, or share one with its neighbours.
    /// </summary>
    /// <param name="tokenizer">Whose tokens.</param>
    /// <param name="ids">[T] the whole text.</param>
    /// <param name="open">The tag before it.</param>
    /// <param name="close">The tag after it.</param>
    /// <returns>No token when nothing stands there; null when there is no such pair of tags.</returns>
    public static TokenSpan? Between(Tokenizer tokenizer, ReadOnlySpan<int> ids, string open, string close)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(open);
        var text = tokenizer.Decode(ids);
        var (opened, closed) = (text.IndexOf(open, StringComparison.Ordinal), text.LastIndexOf(close, StringComparison.Ordinal));
        if (opened < 0 || closed < opened + open.Length) return null;
        var first = Reaching(tokenizer, ids, opened + open.Length);
        if (closed == opened + open.Length) return new TokenSpan(first, first);
        return new TokenSpan(first, Math.Min(ids.Length, Math.Max(first + 1, Reaching(tokenizer, ids, closed))));
    }

    /// <summary>The fewest leading tokens whose text has at least so many characters.</summary>
    /// <param name="tokenizer">Whose tokens.</param>
    /// <param name="ids">[T] the whole text.</param>
    /// <param name="length">Characters.</param>
    public static int Reaching(Tokenizer tokenizer, ReadOnlySpan<int> ids, int length)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        var (low, high) = (0, ids.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (tokenizer.Decode(ids[..middle]).Length >= length) high = middle;
            else low = middle + 1;
        }
        return low;
    }
}
