namespace Vlm.Cryptogram;

/// <summary>A substitution alphabet: each letter a-z is coded as exactly one letter a-z; a letter may stand for itself.</summary>
public sealed class Cipher
{
    /// <summary>Number of letters, and so of pairs in a decoder picture.</summary>
    public const int Letters = 26;

    private readonly char[] _coded = new char[Letters];
    private readonly char[] _plain = new char[Letters];

    /// <summary>The alphabet in which the n-th letter of a-z is coded as the n-th letter of <paramref name="coded"/>.</summary>
    /// <exception cref="ArgumentException"><paramref name="coded"/> is not a permutation of a-z.</exception>
    public Cipher(string coded)
    {
        ArgumentNullException.ThrowIfNull(coded);
        if (coded.Length != Letters || coded.Distinct().Count() != Letters || !coded.All(char.IsAsciiLetterLower))
            throw new ArgumentException($"expected each of the letters a-z once, found '{coded}'", nameof(coded));
        for (var i = 0; i < Letters; i++)
        {
            _coded[i] = coded[i];
            _plain[coded[i] - 'a'] = (char)('a' + i);
        }
    }

    /// <summary>An alphabet drawn uniformly from all 26! (letters that stand for themselves included).</summary>
    public static Cipher Random(Random rng)
    {
        ArgumentNullException.ThrowIfNull(rng);
        var letters = Enumerable.Range('a', Letters).Select(letter => (char)letter).ToArray();
        rng.Shuffle(letters);
        return new Cipher(new string(letters));
    }

    /// <summary>The coded letter of a plain letter.</summary>
    /// <param name="plain">a-z.</param>
    public char Encode(char plain) => _coded[Index(plain)];

    /// <summary>The plain letter of a coded letter.</summary>
    /// <param name="coded">a-z.</param>
    public char Decode(char coded) => _plain[Index(coded)];

    /// <summary>The spaced code of a message: <c>cat dog</c> becomes, say, <c>q x p _ a y f</c>.</summary>
    /// <param name="message">Lower-case words joined by single spaces.</param>
    public string EncodeSpaced(string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return Message.Spaced(string.Concat(message.Select(letter => letter == ' ' ? ' ' : Encode(letter))));
    }

    private static int Index(char letter) =>
        char.IsAsciiLetterLower(letter) ? letter - 'a' : throw new ArgumentException($"expected a letter a-z, found '{letter}'", nameof(letter));
}
