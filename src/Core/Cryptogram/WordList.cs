using System.Reflection;
using Vlm.Statistics;

namespace Vlm.Cryptogram;

/// <summary>
/// English words of 3 and more letters a-z: 10,000 common ones, which puzzles are drawn from, and 53,000 rarer ones, which only tell words from other strings.
/// A fixed tenth of the common ones is held out: it never occurs in training, so that reading letters can be told from knowing words.
/// </summary>
public static class WordList
{
    private const string CommonWords = "words.txt", RareWords = "rare-words.txt";

    private static readonly Lazy<ILookup<bool, string>> Common = new(() => Load(CommonWords).ToLookup(IsHeldOut));
    private static readonly Lazy<string[]> TrainWords = new(() => [.. Common.Value[false]]);
    private static readonly Lazy<string[]> HeldOutWords = new(() => [.. Common.Value[true]]);
    private static readonly Lazy<Dictionary<int, string[]>> CommonByLength = new(() => ByLength(Train.Concat(HeldOut)));
    private static readonly Lazy<Dictionary<int, string[]>> RareByLength = new(() => ByLength(Load(RareWords)));
    private static readonly Lazy<HashSet<string>> All = new(() => [.. Train, .. HeldOut, .. RareByLength.Value.Values.SelectMany(words => words)]);

    /// <summary>The words for training and for the evaluation splits that reuse its vocabulary, in alphabetical order.</summary>
    public static IReadOnlyList<string> Train => TrainWords.Value;

    /// <summary>The words kept out of training, in alphabetical order.</summary>
    public static IReadOnlyList<string> HeldOut => HeldOutWords.Value;

    /// <summary>Whether a string of lower-case letters is a word of the list, common or rare.</summary>
    public static bool Contains(string word) => All.Value.Contains(word);

    /// <summary>The common words of a length, held out or not.</summary>
    public static IReadOnlyList<string> CommonOf(int letters) => CommonByLength.Value.GetValueOrDefault(letters, []);

    /// <summary>The rarer words of a length.</summary>
    public static IReadOnlyList<string> RareOf(int letters) => RareByLength.Value.GetValueOrDefault(letters, []);

    /// <summary>Whether a common word belongs to the held-out tenth. Decided by its letters alone, so that a longer list moves no word.</summary>
    public static bool IsHeldOut(string word)
    {
        ArgumentNullException.ThrowIfNull(word);
        var hash = 0ul;
        foreach (var letter in word) hash = SeededRandom.Mix((hash << 8) + letter);
        return hash % 10 == 0;
    }

    private static Dictionary<int, string[]> ByLength(IEnumerable<string> words) =>
        words.GroupBy(word => word.Length).ToDictionary(group => group.Key, group => group.ToArray());

    private static string[] Load(string resource)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"the resource {resource} is missing from {Assembly.GetExecutingAssembly().Location}; rebuild Core");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
