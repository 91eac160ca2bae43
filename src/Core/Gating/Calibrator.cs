using System.Security.Cryptography;
using System.Text;
using Vlm.Statistics;

namespace Vlm.Gating;

/// <summary>One signal's part in a calibrator.</summary>
/// <param name="Name">One of <see cref="Signals.Names"/>.</param>
/// <param name="Mean">Subtracted first.</param>
/// <param name="Deviation">Divides then; above 0.</param>
/// <param name="Weight">Of the standardised signal; at least 0.</param>
public sealed record CalibratorTerm(string Name, double Mean, double Deviation, double Weight);

/// <summary>An answer whose truth is known.</summary>
/// <param name="Signals">What was known without the truth.</param>
/// <param name="HasHardFailure">Whether a verifier rules it out.</param>
/// <param name="IsCorrect">The truth.</param>
public sealed record LabelledSignals(SignalVector Signals, bool HasHardFailure, bool IsCorrect);

/// <summary>
/// The probability that an answer is right, from its signals: a logistic regression on standardised signals with weights of at least 0, so that a less sure
/// signal never makes an answer surer. Answers with a hard failure are not its business.
/// </summary>
/// <param name="Terms">The signals it uses.</param>
/// <param name="Intercept">The score of an average answer.</param>
public sealed record Calibrator(IReadOnlyList<CalibratorTerm> Terms, double Intercept)
{
    // C of the logistic regression, strongest pull first: a good model makes few mistakes to learn from, and many signals are near-copies of each other.
    private static readonly double[] Strengths = [0.003, 0.01, 0.03, 0.1, 0.3, 1];
    private const int Folds = 5;

    /// <summary>Fits a calibrator on the answers that no verifier rules out.</summary>
    /// <param name="answers">At least one without a hard failure.</param>
    /// <param name="names">The signals to use; those that never vary here, or that less confidence would go with, are left out.</param>
    /// <remarks>
    /// How strongly the weights are pulled to 0 is chosen by five-fold cross-validation among these answers.
    /// When all answers are right, or all wrong, nothing can be learned about which are: the probability is then (right + 1) / (n + 2) for every answer,
    /// Laplace's rule of succession.
    /// </remarks>
    public static Calibrator Fit(IReadOnlyList<LabelledSignals> answers, IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(answers);
        ArgumentNullException.ThrowIfNull(names);
        var kept = answers.Where(answer => !answer.HasHardFailure).ToArray();
        if (kept.Length == 0) throw new ArgumentException("There is no answer without a hard failure to calibrate on.", nameof(answers));
        var right = kept.Count(answer => answer.IsCorrect);
        if (right == 0 || right == kept.Length) return new Calibrator([], Math.Log((right + 1.0) / (kept.Length - right + 1.0)));

        var scales = names.Select(name => Scale(name, [.. kept.Select(answer => answer.Signals[name])])).Where(term => term.Deviation > 0).ToArray();
        double[][] features = [.. kept.Select(answer => Array.ConvertAll(scales, term => Standardise(term, answer.Signals)))];
        bool[] labels = [.. kept.Select(answer => answer.IsCorrect)];
        var fit = LogisticRegression.Fit(features, labels, Strengths.MinBy(strength => HeldOutLoss(features, labels, strength)), nonNegative: true);
        return new Calibrator([.. scales.Zip(fit.Weights, (term, weight) => term with { Weight = weight }).Where(term => term.Weight > 0)], fit.Intercept);
    }

    /// <summary>The probability that an answer with these signals is right, in (0, 1).</summary>
    public double Confidence(SignalVector signals)
    {
        ArgumentNullException.ThrowIfNull(signals);
        var score = Intercept + Terms.Sum(term => term.Weight * Standardise(term, signals));
        return score >= 0 ? 1 / (1 + Math.Exp(-score)) : Math.Exp(score) / (1 + Math.Exp(score));
    }

    /// <summary>SHA-256 of the terms and the intercept to the last bit, 64 lower-case hexadecimal digits.</summary>
    public string Hash()
    {
        var text = new StringBuilder($"{Intercept:R}\n");
        foreach (var term in Terms) text.Append($"{term.Name} {term.Mean:R} {term.Deviation:R} {term.Weight:R}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>Log loss of each fifth of the answers under a fit to the others; the same for every strength when a fit lacks one kind of answer.</summary>
    private static double HeldOutLoss(double[][] features, bool[] labels, double strength)
    {
        var loss = 0.0;
        for (var fold = 0; fold < Folds; fold++)
        {
            int[] others = [.. Enumerable.Range(0, labels.Length).Where(i => i % Folds != fold)];
            bool[] known = [.. others.Select(i => labels[i])];
            if (known.Distinct().Count() < 2) return 0;
            var fit = LogisticRegression.Fit([.. others.Select(i => features[i])], known, strength, nonNegative: true);
            for (var i = fold; i < labels.Length; i += Folds)
            {
                var p = fit.Probability(features[i]);
                loss -= Math.Log(Math.Max(double.Epsilon, labels[i] ? p : 1 - p));
            }
        }

        return loss;
    }

    private static CalibratorTerm Scale(string name, double[] values)
    {
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
        // What varies by rounding only would be blown up to noise of size 1.
        return new CalibratorTerm(name, mean, deviation > 1e-9 * Math.Max(1, Math.Abs(mean)) ? deviation : 0, Weight: 0);
    }

    // A signal far outside what was seen must not decide alone: a linear model is trusted within six deviations.
    private static double Standardise(CalibratorTerm term, SignalVector signals) =>
        Math.Clamp((signals[term.Name] - term.Mean) / term.Deviation, -6, 6);
}
