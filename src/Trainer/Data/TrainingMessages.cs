using Vlm.Cryptogram;
using Vlm.Statistics;
using Vlm.Trainer.Config;

namespace Vlm.Trainer.Data;

/// <summary>Messages for training.</summary>
internal static class TrainingMessages
{
    private const int ShortestGroup = 3, LongestGroup = 10;

    /// <summary>Words of the training list, or groups of random letters.</summary>
    public static string Draw(SeededRandom random, MessageConfig config, int words)
    {
        var letters = random.Chance(config.Letters);
        return string.Join(' ', Enumerable.Range(0, words).Select(_ => letters ? Group(random) : WordList.Train[random.Next(WordList.Train.Count)]));
    }

    /// <summary>All 26 letters once, in random order, in one piece: every pair of the picture is asked for.</summary>
    public static string AllLetters(SeededRandom random)
    {
        var letters = Enumerable.Range('a', 26).Select(c => (char)c).ToArray();
        random.Shuffle(letters);
        return new string(letters);
    }

    private static string Group(SeededRandom random)
    {
        // Few different letters now and then: repeated letters are where copying loses its place.
        var alphabet = random.Chance(0.3) ? random.Between(2, 6) : 26;
        var offset = random.Next(26);
        return string.Concat(Enumerable.Range(0, random.Between(ShortestGroup, LongestGroup)).Select(_ => (char)('a' + (offset + random.Next(alphabet)) % 26)));
    }
}
