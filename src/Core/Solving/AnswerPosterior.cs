using Vlm.Cryptogram;

namespace Vlm.Solving;

/// <summary>How likely an answer is against all others, after the picture was read.</summary>
/// <param name="Least">Natural logarithm of the smallest belief in any of its letters, at most 0.</param>
/// <param name="Letters">Log odds of the answer against every other string of letters, from the beliefs in the letters alone.</param>
/// <param name="Words">Log odds of the answer against every other message, from the beliefs and <see cref="WordPrior"/>.</param>
/// <remarks>
/// A word list says something only where no other word fits what was seen: on a picture that shows nothing every word of a length has the same posterior,
/// about one in their number, and a hidden letter that makes two words gives each about a half.
/// Every number is a monotone function of the beliefs: less belief in a letter of the answer, whatever gains it, makes none of them greater.
/// </remarks>
public readonly record struct AnswerPosterior(double Least, double Letters, double Words)
{
    // Beliefs closer to 1 than this are float32 noise.
    private static readonly double Most = Math.Log(1e6);

    /// <summary>The posterior of an answer.</summary>
    /// <param name="code">In its normal form, <c>q x _ a y f</c>.</param>
    /// <param name="answer">Lower case, aligned with the code.</param>
    /// <param name="beliefs">Of every letter of the code, balanced where the whole alphabet was asked for; others have no part.</param>
    /// <returns>Null when the answer does not follow the code symbol by symbol in letters a-z, or a letter has no belief.</returns>
    public static AnswerPosterior? From(string code, string answer, IReadOnlyList<LetterBelief> beliefs)
    {
        ArgumentNullException.ThrowIfNull(code);
        ArgumentNullException.ThrowIfNull(answer);
        ArgumentNullException.ThrowIfNull(beliefs);
        var coded = Message.FromSpaced(code);
        var rows = new SeenLetter?[LetterDecision.Letters];
        foreach (var belief in beliefs) rows[belief.Coded - 'a'] = SeenLetter.From(belief);
        if (coded.Length != answer.Length || !coded.Zip(answer).All(Follows)) return null;
        (char Coded, char Plain)[] letters = [.. coded.Zip(answer).Where(pair => pair.First != ' ').Distinct()];
        double[] logs = [.. letters.Select(pair => rows[pair.Coded - 'a']!.Logs[pair.Plain - 'a'])];
        // Where a letter is not in the picture, no word is shown either.
        var seen = letters.Sum(pair => Math.Log(rows[pair.Coded - 'a']!.Share));
        return new AnswerPosterior(logs.Min(), LogOdds(logs.Sum()), LogOdds(seen + LogOfWords(coded.Split(' '), answer.Split(' '), rows)));

        bool Follows((char Coded, char Plain) pair) =>
            pair.Coded == ' ' ? pair.Plain == ' ' : char.IsAsciiLetterLower(pair.Plain) && rows[pair.Coded - 'a'] is not null;
    }

    /// <summary>
    /// ln P(answer) as a product over its words, each given that those before it are right: letters that words share are counted with the first. The least over
    /// which word comes first, so that no word's doubt is hidden by another's.
    /// </summary>
    private static double LogOfWords(string[] coded, string[] answer, SeenLetter?[] rows)
    {
        CodedWord[] words = [.. coded.Zip(answer, (code, plain) => new CodedWord(code, plain)).Distinct().OrderByDescending(word => word.Code.Length)];
        return words.Min(first => LogOfChain([first, .. words.Where(word => word != first)], rows));
    }

    private static double LogOfChain(CodedWord[] words, SeenLetter?[] rows)
    {
        var (known, log) = (new KnownLetters(new char[LetterDecision.Letters], 0), 0.0);
        foreach (var word in words)
        {
            log += word.Log(known, rows);
            known = known.With(word);
        }

        return log;
    }

    /// <summary>ln(p / (1 - p)) from ln p, within what can be told from rounding.</summary>
    private static double LogOdds(double log) => Math.Clamp(log - Math.Log(OneLess(log)), -Most, Most);

    /// <summary>1 - e^x for x of at most 0, exact near 0 too.</summary>
    private static double OneLess(double log) => log > -1e-5 ? -log * (1 + (log / 2)) : 1 - Math.Exp(log);

    /// <summary>A belief taken apart.</summary>
    /// <param name="Logs">As believed.</param>
    /// <param name="Share">The belief that the letter is in the picture.</param>
    /// <param name="Chances">[26] of each plain letter, if it is.</param>
    private sealed record SeenLetter(IReadOnlyList<double> Logs, double Share, double[] Chances)
    {
        public static SeenLetter From(LetterBelief belief)
        {
            double[] chances = [.. belief.Logs.Select(Math.Exp)];
            if (double.IsNegativeInfinity(belief.Unseen)) return new SeenLetter(belief.Logs, 1, chances);
            var seen = Math.Max(double.Epsilon, chances.Sum());
            return new SeenLetter(belief.Logs, seen / (seen + Math.Exp(belief.Unseen)), Array.ConvertAll(chances, chance => chance / seen));
        }
    }

    /// <summary>Letters that other words have settled.</summary>
    /// <param name="Plain">[26] by coded letter; the default where none is known.</param>
    /// <param name="Taken">A bit for each plain letter.</param>
    private readonly record struct KnownLetters(char[] Plain, uint Taken)
    {
        public char this[char coded] => Plain[coded - 'a'];

        public KnownLetters With(CodedWord word)
        {
            var (plain, taken) = ((char[])Plain.Clone(), Taken);
            foreach (var (coded, letter) in word.Code.Zip(word.Plain)) (plain[coded - 'a'], taken) = (letter, taken | 1u << (letter - 'a'));
            return new KnownLetters(plain, taken);
        }
    }

    /// <summary>One word of the code and what it was read as.</summary>
    private sealed record CodedWord(string Code, string Plain)
    {
        // Words so much less likely than the answer's are too many to multiply out, and add nothing.
        private const double Least = 1e-14;

        /// <summary>ln P(this word | known letters, beliefs): its weight against that of every other word and string.</summary>
        public double Log(KnownLetters known, SeenLetter?[] rows)
        {
            var logOwn = Code.Zip(Plain).Distinct().Where(pair => known[pair.First] == default)
                .Sum(pair => Math.Log(rows[pair.First - 'a']!.Chances[pair.Second - 'a']));
            var (own, anyString) = (Math.Exp(logOwn), WordPrior.OfString(Code.Length));
            // Of any string, all are other answers but the one that was read.
            var (prior, others) = (anyString, anyString * OneLess(logOwn));
            foreach (var (word, chance) in WordPrior.Words(Code.Length))
            {
                if (word == Plain) prior += chance;
                else others += chance * Chance(word, known, rows, Least * own);
            }

            return -LogOfOnePlus(others / (prior * own));
        }

        /// <summary>
        /// The product of the beliefs in the letters that make this code another word; 0 where the known letters, or each other, forbid it, or it is too small.
        /// </summary>
        private double Chance(string plain, KnownLetters known, SeenLetter?[] rows, double least)
        {
            var (chance, taken) = (1.0, known.Taken);
            for (var i = 0; i < Code.Length; i++)
            {
                var (coded, bit) = (Code[i], 1u << (plain[i] - 'a'));
                var settled = known[coded] != default ? known[coded] : Code.IndexOf(coded) is var first && first < i ? plain[first] : default;
                if (settled == plain[i]) continue;
                if (settled != default || (taken & bit) != 0) return 0;
                (chance, taken) = (chance * rows[coded - 'a']!.Chances[plain[i] - 'a'], taken | bit);
                if (chance <= least) return 0;
            }

            return chance;
        }

        private static double LogOfOnePlus(double x) => x < 1e-5 ? x : Math.Log(1 + x);
    }
}
