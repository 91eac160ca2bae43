using FsCheck;
using FsCheck.Fluent;
using Vlm.Core.Tests.Engine;
using Vlm.Cryptogram;
using Vlm.Engine;
using Vlm.Finding;
using Vlm.Gating;
using Vlm.Package;
using Vlm.Solving;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Core.Tests.Gating;

/// <summary>From signals to a calibrated confidence, on a stream of answers whose chance to be right is known.</summary>
public sealed class GateTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Fact]
    public void A_calibrator_finds_the_signals_that_matter_and_its_confidence_is_the_share_of_right_answers()
    {
        var calibrator = Calibrator.Fit(Stream(1, 4000), Signals.Names);

        var fresh = Stream(2, 4000).Select(answer => new ScoredAnswer(calibrator.Confidence(answer.Signals), answer.IsCorrect)).ToArray();
        Assert.InRange(CalibrationError.Expected(CalibrationError.EqualMassBins(fresh, 10)), 0, 0.03);
        Assert.InRange(Auroc.Of(fresh)!.Value, 0.85, 1);
        var heaviest = calibrator.Terms.OrderByDescending(term => Math.Abs(term.Weight)).First();
        Assert.Equal("mapping.logp.min", heaviest.Name);
    }

    [Fact]
    public void Signals_that_never_vary_and_answers_that_are_ruled_out_have_no_part()
    {
        var stream = Stream(1, 500);
        var withFailures = stream.Concat(stream.Select(answer => answer with { HasHardFailure = true, IsCorrect = !answer.IsCorrect })).ToArray();
        var calibrator = Calibrator.Fit(withFailures, Signals.Names);
        Assert.Equal(Calibrator.Fit(stream, Signals.Names).Hash(), calibrator.Hash());
        Assert.DoesNotContain(calibrator.Terms, term => term.Name == "picture.contrast");
    }

    [Fact]
    public void Less_belief_in_a_letter_never_means_more_confidence() =>
        Prop.ForAll(Gen.Choose(0, 1 << 30).ToArbitrary(), seed =>
        {
            var rng = SeededRandom.From(12, seed);
            // Learned from answers on which every signal misleads as often as not.
            var names = Signals.Names.Where(_ => rng.Chance(0.7)).ToArray();
            var calibrator =
                Calibrator.Fit([.. Stream(seed, 60).Select(answer => answer with { IsCorrect = rng.Chance(0.5) }), .. Stream(seed + 1, 60)], names);
            var (answer, cipher) = (WordList.Train[rng.Next(WordList.Train.Count)], Cipher.Random(rng));
            LetterBelief[] beliefs = [.. answer.Distinct().Select(letter => Belief(cipher.Encode(letter), letter, rng))];
            var which = rng.Next(beliefs.Length);
            var lowered = Lowered(beliefs[which], answer.Distinct().ElementAt(which), rng.NextDouble());
            var before = Signals.Of(Solved(cipher.EncodeSpaced(answer), answer, beliefs), new PictureQuality(50, 0.5, 10));
            var after = Signals.Of(
                Solved(cipher.EncodeSpaced(answer), answer, [.. beliefs.Select((belief, i) => i == which ? lowered : belief)]),
                new PictureQuality(50, 0.5, 10));
            return calibrator.Terms.All(term => term.Weight >= 0)
                && after.Values.Zip(before.Values).All(pair => pair.First <= pair.Second + 1e-9)
                && calibrator.Confidence(after) <= calibrator.Confidence(before) + 1e-9;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void An_answer_with_unseen_letters_has_the_probability_of_what_was_read_and_is_never_used_alone()
    {
        var unseen = new LetterBelief('b', [.. Enumerable.Repeat(Math.Log(0.004), 26)], Math.Log(0.896));
        var solution = Solved("a b", "c?", [Belief('a', 'c', SeededRandom.From(1)), unseen]) with { RawConfidence = 0.88 };
        Assert.Equal(AnswerStatus.Unreadable, solution.Status);
        var assessment = (Example(Model()) with { Calibrator = new Calibrator([], 10) }).Assess(solution);
        Assert.Equal((0.88, false), (assessment.Confidence, assessment.IsConfident));
        Assert.Empty(assessment.HardFailures);
    }

    [Fact]
    public void A_model_without_a_mistake_gets_the_rule_of_succession()
    {
        var calibrator = Calibrator.Fit([.. Stream(1, 98).Select(answer => answer with { IsCorrect = true })], Signals.Names);
        Assert.Empty(calibrator.Terms);
        Assert.Equal(0.99, calibrator.Confidence(Stream(1, 1)[0].Signals), 1e-9);
    }

    [Fact]
    public void A_gate_on_disk_is_the_gate_that_was_saved()
    {
        var gate = Example(Model());
        gate.Save(_folder.File("gate.json"));
        var loaded = Gate.Load(_folder.File("gate.json"));
        Assert.Equivalent(gate.Certificate, loaded.Certificate);
        Assert.Equal(gate.Threshold, loaded.Threshold);
        Assert.Equal(gate.Calibrator.Hash(), loaded.Calibrator.Hash());
        var signals = Stream(5, 1)[0].Signals;
        Assert.Equal(gate.Calibrator.Confidence(signals), loaded.Calibrator.Confidence(signals));
    }

    [Fact]
    public void A_gate_does_not_change_the_package_it_lies_in_and_is_not_sealed_with_it()
    {
        var model = Model();
        Example(model).Save(Path.Combine(model.Path, ModelFolder.GateName));
        Assert.Equal(model.Fingerprint, ModelFolder.Open(model.Path).Fingerprint);
        var sealedAgain =
            ModelFolder.Seal(model.Path, "fp32", new Provenance { Command = "another", Accuracy = new Dictionary<string, double> { ["clean"] = 1 } });
        Assert.DoesNotContain(ModelFolder.GateName, sealedAgain.Manifest.Files.Keys);
        Assert.Equal(model.Fingerprint, sealedAgain.Fingerprint);
        Assert.NotNull(Gate.Find(sealedAgain));
    }

    [Fact]
    public void A_gate_refuses_another_package_and_says_both_hashes()
    {
        var model = Model();
        Example(model).Save(Path.Combine(model.Path, ModelFolder.GateName));
        File.AppendAllText(Path.Combine(model.Path, "prompt.json"), "\n");
        var changed = ModelFolder.Seal(model.Path, "fp32", new Provenance());
        var error = Assert.Throws<GateException>(() => Gate.Find(changed));
        Assert.Contains(model.Fingerprint, error.Message, StringComparison.Ordinal);
        Assert.Contains(changed.Fingerprint, error.Message, StringComparison.Ordinal);
        var precision = Assert.Throws<GateException>(() => Example(model).EnsureMatches(model with { Manifest = model.Manifest with { Precision = "int8" } }));
        Assert.Contains("fp32", precision.Message, StringComparison.Ordinal);
        Assert.Contains("int8", precision.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"threshold\": 0.5", "\"threshold\": 0", "above 0")]
    [InlineData("\"format\": 5", "\"format\": 4", "format 4")]
    [InlineData("\"weight\": ", "\"weight\": -", "weights are at least 0")]
    [InlineData("\"deviation\": ", "\"deviation\": 1", "was edited")]
    [InlineData("\"threshold\"", "\"treshold\"", "treshold")]
    [InlineData("mapping.logp.min", "mapping.logp.best", "mapping.logp.best")]
    [InlineData("{", "", "not a gate")]
    public void A_gate_that_was_edited_or_damaged_is_one_clear_error(string text, string edited, string message)
    {
        var path = _folder.File("edited.json");
        Example(Model()).Save(path);
        var json = File.ReadAllText(path);
        var at = json.IndexOf(text, StringComparison.Ordinal);
        Assert.True(at >= 0);
        File.WriteAllText(path, json.Remove(at, text.Length).Insert(at, edited));
        Assert.Contains(message, Assert.Throws<GateException>(() => Gate.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_solution_that_cannot_be_read_is_never_confident()
    {
        var model = Model();
        using var solver = Solver.Open(model.Path, new EngineOptions { Threads = 1 });
        var picture = new RgbImage(140, 140, new byte[140 * 140 * 3]);
        var solution = solver.Solve(new Question(picture, "q x"), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(new Assessment(0, [], false) with { HardFailures = [Verifier.Format] }, Example(model).Assess(solution), SameAssessment);
        var signals = Signals.Of(solution);
        Assert.Equal(Signals.Names.Count, signals.Values.Count);
        Assert.All(signals.Values, value => Assert.True(double.IsFinite(value)));
        Assert.True(solution.Generation.Choices.All(choice => choice.LogProbability < 0));
    }

    [Fact]
    public void The_threshold_decides()
    {
        var gate = Example(Model()) with { Calibrator = new Calibrator([], 0), Threshold = 0.5 };
        var signals = Stream(1, 1)[0].Signals;
        Assert.Equal((0.5, true), (gate.Assess(signals).Confidence, gate.Assess(signals).IsConfident));
        Assert.False((gate with { Threshold = 0.51 }).Assess(signals).IsConfident);
    }

    [Theory]
    [InlineData(null, "empty", null, false, true)]
    [InlineData(null, "empty", "auto f1", false, true)]
    [InlineData(null, "empty", "auto f1", true, false)]
    [InlineData("auto f1", "scene", "auto f1", true, true)]
    [InlineData("auto f1", "empty", "auto f1", true, false)]
    [InlineData("auto f1", "empty", "auto f1", false, true)]
    [InlineData("auto f1", "scene", "always f1", false, false)]
    [InlineData("auto f1", "scene", null, false, false)]
    public void A_certificate_covers_answers_whose_sheet_was_looked_for_as_when_it_was_measured(
        string? measured, string kind, string? way, bool isCut, bool isCovered)
    {
        var certificate = Example(Model()).Certificate with { Finding = measured, Strata = [new CertifiedStratum(kind, 400, 300, 0, 0.049)] };
        var sheet = isCut ? new FoundSheet(new Quad((0, 0), (1, 0), (1, 1), (0, 1)), 1, 0) : null;
        Assert.Equal(isCovered, certificate.Covers(way is null ? null : new SheetLook(sheet, Why: null, way, TimeSpan.Zero)));
    }

    public void Dispose() => _folder.Dispose();

    private static bool SameAssessment(Assessment left, Assessment right) =>
        left.HardFailures.SequenceEqual(right.HardFailures) && left with { HardFailures = right.HardFailures } == right;

    private static Solution Solved(string code, string answer, LetterBelief[] beliefs) => new()
    {
        Question = new Question(new RgbImage(28, 28, new byte[28 * 28 * 3]), code),
        Text = "",
        Reply = new ReplyResult.Reply([], Message.Spaced(answer), answer),
        RawConfidence = null,
        Generation = new Generation([], FinishReason.EndOfText, default) { Reading = new LetterReading { Beliefs = beliefs } },
        Grid = new PatchGrid(1, 2, 2),
        Timings = default,
    };

    private static LetterBelief Belief(char coded, char plain, SeededRandom rng)
    {
        var clarity = Math.Exp(10 * rng.NextDouble());
        double[] weights = [.. Enumerable.Range('a', 26).Select(letter => Math.Pow(rng.NextDouble(), 4) + (letter == plain ? clarity : 1e-6))];
        return new LetterBelief(coded, [.. weights.Select(weight => Math.Log(weight / weights.Sum()))]);
    }

    /// <summary>With a share of the belief in one letter taken away and given to the others.</summary>
    private static LetterBelief Lowered(LetterBelief belief, char plain, double share)
    {
        double[] chances = [.. belief.Logs.Select(Math.Exp)];
        var lost = share * chances[plain - 'a'];
        return belief with
        {
            Logs = [.. chances.Select((chance, i) => Math.Log(i == plain - 'a' ? chance - lost : chance * (1 + (lost / (1 - chances[plain - 'a'])))))],
        };
    }

    private ModelFolder Model()
    {
        var folder = _folder.File("model");
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
            TinyPackage.Write(folder);
        }

        return ModelFolder.Open(folder);
    }

    private static Gate Example(ModelFolder model)
    {
        var calibrator = Calibrator.Fit(Stream(1, 300), ["mapping.logp.min", "answer.logp.mean"]);
        return new Gate
        {
            Format = Gate.CurrentFormat,
            Calibrator = calibrator,
            Threshold = 0.5,
            Certificate = new Certificate
            {
                Risk = 0.01,
                Delta = 0.05,
                Accepted = 300,
                Errors = 0,
                PValue = 0.049,
                Coverage = 0.75,
                Strata = [new CertifiedStratum("whole", 400, 300, 0, 0.049), new CertifiedStratum("empty", 299, 0, 0, 0.0495)],
                NotPromised = ["reversed"],
                Splits = new SplitSizes(300, 400, 100),
                SplitSeed = 1,
                DataSet = "made up",
                DataSetHash = "00",
                ModelHash = model.Fingerprint,
                Precision = model.Manifest.Precision,
                CalibratorHash = calibrator.Hash(),
                Date = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            },
        };
    }

    /// <summary>Every signal is noise or constant but the least mapping log-probability, which decides the chance to be right.</summary>
    private static LabelledSignals[] Stream(long seed, int count)
    {
        var rng = SeededRandom.From(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            double[] values = [.. Signals.Names.Select(name => name.StartsWith("picture", StringComparison.Ordinal) ? 1 : rng.NextDouble())];
            var surety = 12 * rng.NextDouble() - 4;
            values[Signals.Index("mapping.logp.min")] = surety;
            return new LabelledSignals(new SignalVector(values), HasHardFailure: false, rng.Chance(1 / (1 + Math.Exp(-surety))));
        })];
    }
}
