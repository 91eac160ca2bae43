using Vlm.Cryptogram;

namespace Vlm.Solving;

/// <summary>From beliefs about letters to the message that they and the word list together make likeliest. Pure.</summary>
/// <remarks>
/// The noisy channel (Shannon 1948): P(message | picture) ∝ P(picture | letters) · P(message). Every word of the message is a common word, a rarer one, or any
/// string of letters, which then stays as it was read; of each kind those of its length are equally likely. Only what reading left possible is weighed: a
/// letter that was read surely cannot be overruled by a word.
/// A beam search over the words, the longest first, keeps the likeliest readings; their weights give the belief in each letter.
/// </remarks>
internal static class WordDecision
{
    /// <summary>Readings kept from word to word.</summary>
    private const int Beam = 64;

    /// <summary>
    /// A pair less probable than this is not what the picture shows. Of messages with no word of the list, a tenth of this bound lets words
    /// overrule the right reading about twice as often, and rights three answers in a thousand more among those of the list (EXPERIMENTS.md).
    /// </summary>
    private static readonly double LeastBelief = Math.Log(0.01);

    /// <summary>Decides the letters of a code.</summary>
    /// <param name="code">In its normal form, <c>q x _ a y f</c>.</param>
    /// <param name="beliefs">What the looks at the picture say of every letter of the code, and of others.</param>
    /// <param name="read">The letters as reading alone decides them.</param>
    /// <returns>The letters of <paramref name="read"/>, in its order, no plain letter twice, with the belief in each.</returns>
    public static IReadOnlyList<DecidedLetter> Decide(string code, IReadOnlyList<LetterBelief> beliefs, IReadOnlyList<DecidedLetter> read)
    {
        var logs = LetterDecision.Balanced(beliefs).ToDictionary(belief => belief.Coded);
        var asRead = read.ToDictionary(letter => letter.Coded, letter => letter.Plain);
        List<Reading> readings = [Reading.Nothing];
        foreach (var word in code.Replace(" ", "", StringComparison.Ordinal).Split(Message.Gap).Distinct().OrderByDescending(word => word.Length))
        {
            var asItIs = string.Concat(word.Select(coded => asRead[coded]));
            (string Plain, double Chance)[] candidates =
            [
                .. Possible(word, logs),
                (asItIs, Math.Log(WordPrior.OfString(word.Length))),
            ];
            readings = [.. readings
                .SelectMany(reading => candidates.Select(candidate => reading.With(word, candidate.Plain, logs, candidate.Chance)))
                .OfType<Reading>()
                .OrderByDescending(reading => reading.Log)
                .Take(Beam)];
        }

        return readings.Count == 0 ? read : Believed(readings, read);
    }

    /// <summary>The words that the picture may show, each with the logarithm of its chance.</summary>
    private static IEnumerable<(string Plain, double Chance)> Possible(string coded, Dictionary<char, LetterBelief> logs) => WordPrior.Words(coded.Length)
        .Where(word => coded.Zip(word.Word).All(pair => logs[pair.First].Of(pair.Second) >= LeastBelief))
        .Select(word => (word.Word, Math.Log(word.Chance)));

    /// <summary>The letters of the likeliest reading, each with the share of weight of the readings that have it.</summary>
    private static DecidedLetter[] Believed(List<Reading> readings, IReadOnlyList<DecidedLetter> read)
    {
        double[] weights = [.. readings.Select(reading => Math.Exp(reading.Log - readings[0].Log))];
        return [.. read.Select(letter =>
        {
            var plain = readings[0].PlainOf(letter.Coded);
            var share = readings.Zip(weights).Where(item => item.First.PlainOf(letter.Coded) == plain).Sum(item => item.Second) / weights.Sum();
            return letter with { Plain = plain, LogProbability = Math.Log(Math.Min(1, share)) };
        })];
    }

    /// <summary>Plain letters for the words so far. Immutable.</summary>
    /// <param name="Plain">[26] by coded letter; the default where it did not occur yet.</param>
    /// <param name="Taken">A bit for each plain letter.</param>
    /// <param name="Log">Natural logarithm of the weight: beliefs in the letters and chances of the words.</param>
    private sealed record Reading(char[] Plain, uint Taken, double Log)
    {
        public static readonly Reading Nothing = new(new char[LetterDecision.Letters], 0, 0);

        public char PlainOf(char coded) => Plain[coded - 'a'];

        /// <summary>With one word more; null when its letters do not agree with those of the others.</summary>
        public Reading? With(string coded, string plain, Dictionary<char, LetterBelief> logs, double chance)
        {
            var (letters, taken, log) = ((char[])Plain.Clone(), Taken, Log + chance);
            for (var i = 0; i < coded.Length; i++)
            {
                ref var known = ref letters[coded[i] - 'a'];
                if (known == plain[i]) continue;
                // An unseen letter takes no plain letter away.
                var bit = plain[i] == Message.Unseen ? 0 : 1u << (plain[i] - 'a');
                if (known != default || (taken & bit) != 0) return null;
                (known, taken, log) = (plain[i], taken | bit, log + logs[coded[i]].Of(plain[i]));
            }

            return new Reading(letters, taken, log);
        }
    }
}
