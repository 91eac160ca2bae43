using Vlm.Cryptogram;

namespace Vlm.Solving;

/// <summary>
/// How likely a word of a message is before the picture is seen: a common word, a rarer one, or any string of letters; of each kind those of its length are
/// equally likely.
/// </summary>
internal static class WordPrior
{
    /// <summary>How often a word is of each kind. Measured, 0.4 and 0.1 for the first two are as good for common words and worse for rarer ones.</summary>
    private const double CommonShare = 0.3, RareShare = 0.2, StringShare = 0.5;

    /// <summary>The chance of each string of a length as a string; a word has its chance as a word beside it.</summary>
    public static double OfString(int letters) => StringShare / Math.Pow(LetterDecision.Letters, letters);

    /// <summary>The words of a length with their chances, none twice.</summary>
    public static IEnumerable<(string Word, double Chance)> Words(int letters)
    {
        var (common, rare) = (WordList.CommonOf(letters), WordList.RareOf(letters));
        foreach (var word in common) yield return (word, CommonShare / common.Count);
        foreach (var word in rare) yield return (word, RareShare / rare.Count);
    }
}
