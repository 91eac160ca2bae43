using System.Reflection;

namespace Vlm.Cryptogram;

/// <summary>
/// 10,000 common English words of 3 and more letters a-z. A fixed tenth is held out: it never occurs in training,
/// so that reading letters can be told from knowing words.
/// </summary>
public static class WordList
{
    private const string Resource = "words.txt";

    private static readonly Lazy<(string[] Train, string[] HeldOut)> Words = new(Load);

    private static readonly Lazy<Dictionary<int, string[]>> ByLength =
        new(() => Train.Concat(HeldOut).GroupBy(word => word.Length).ToDictionary(words => words.Key, words => words.ToArray()));

    /// <summary>The words for training and for the evaluation splits that reuse its vocabulary, in alphabetical order.</summary>
    public static IReadOnlyList<string> Train => Words.Value.Train;

    /// <summary>The words kept out of training, in alphabetical order.</summary>
    public static IReadOnlyList<string> HeldOut => Words.Value.HeldOut;

    /// <summary>All words of a length, held out or not.</summary>
    public static IReadOnlyList<string> OfLength(int letters) => ByLength.Value.TryGetValue(letters, out var words) ? words : [];

    /// <summary>Whether a word belongs to the held-out tenth. Decided by its letters alone, so that a longer list moves no word.</summary>
    public static bool IsHeldOut(string word)
    {
        ArgumentNullException.ThrowIfNull(word);
        var hash = 0ul;
        foreach (var letter in word) hash = SeededRandom.Mix((hash << 8) + letter);
        return hash % 10 == 0;
    }

    private static (string[] Train, string[] HeldOut) Load()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"the resource {Resource} is missing from {Assembly.GetExecutingAssembly().Location}; rebuild Core");
        using var reader = new StreamReader(stream);
        var parts = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ToLookup(IsHeldOut);
        return (parts[false].ToArray(), parts[true].ToArray());
    }
}
