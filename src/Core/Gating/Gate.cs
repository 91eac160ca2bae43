using System.Text.Json;
using System.Text.Json.Serialization;
using Vlm.Cryptogram;
using Vlm.Files;
using Vlm.Package;
using Vlm.Solving;

namespace Vlm.Gating;

/// <summary>What the gate makes of one answer.</summary>
/// <param name="Confidence">Calibrated probability that the answer is right, 0 to 1; 0 with a hard failure.</param>
/// <param name="HardFailures">What rules the answer out; empty when nothing does.</param>
/// <param name="IsConfident">
/// No hard failure, and at least the threshold's confidence: the certificate's promise covers it, and it may leave the box alone.
/// </param>
public sealed record Assessment(double Confidence, IReadOnlyList<Verifier> HardFailures, bool IsConfident);

/// <summary><c>gate.json</c>: calibrator, threshold and certificate of one model package. Thread-safe.</summary>
public sealed record Gate
{
    /// <summary>
    /// The version that this program writes and reads: of the file, and of the way from picture to answer and signals. A change of either that can change what
    /// was measured raises it, so that no gate outlives the program it was calibrated with.
    /// </summary>
    public const int CurrentFormat = 5;

    /// <summary>The version of the file and of what it was measured with.</summary>
    public required int Format { get; init; }

    /// <summary>Signals to probability.</summary>
    public required Calibrator Calibrator { get; init; }

    /// <summary>Answers at least this confident are accepted; above 0 to 1.</summary>
    public required double Threshold { get; init; }

    /// <summary>What the threshold promises.</summary>
    public required Certificate Certificate { get; init; }

    /// <summary>Reads a gate and checks that its parts belong together.</summary>
    /// <exception cref="GateException">Missing, not a gate, from another version, or its calibrator is not the certified one.</exception>
    public static Gate Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!File.Exists(path)) throw new GateException($"'{path}' is missing. The calibrate command writes one.");
        Gate gate;
        try
        {
            gate = JsonSerializer.Deserialize(File.ReadAllBytes(path), GateJson.Default.Gate)
                ?? throw new GateException($"'{path}' holds 'null'. Calibrate the package again.");
        }
        catch (JsonException e)
        {
            throw new GateException($"'{path}' is not a gate: {e.Message} Calibrate the package again.", e);
        }

        gate.Check(path);
        return gate;
    }

    /// <summary>The gate of a package, checked to be made for it; null when the package has none.</summary>
    /// <exception cref="GateException">It is damaged or belongs to another package.</exception>
    public static Gate? Find(ModelFolder model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var path = Path.Combine(model.Path, ModelFolder.GateName);
        if (!File.Exists(path)) return null;
        var gate = Load(path);
        gate.EnsureMatches(model);
        return gate;
    }

    /// <summary>Writes the gate, whole or not at all.</summary>
    public void Save(string path) => AtomicFile.Write(path, JsonSerializer.Serialize(this, GateJson.Default.Gate) + "\n");

    /// <summary>Refuses a package other than the one that was measured: its errors are not the certified ones.</summary>
    /// <exception cref="GateException">Another fingerprint or precision; the message has both.</exception>
    public void EnsureMatches(ModelFolder model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (Certificate.Precision != model.Manifest.Precision)
        {
            throw new GateException(
                $"The gate of '{model.Path}' was certified for precision {Certificate.Precision}; the package has {model.Manifest.Precision}. " +
                "Calibrate the package again.");
        }
        if (Certificate.ModelHash != model.Fingerprint)
        {
            throw new GateException(
                $"The gate of '{model.Path}' was certified for the package {Certificate.ModelHash}; this package is {model.Fingerprint}. " +
                $"Calibrate the package again, or remove its {ModelFolder.GateName}.");
        }
    }

    /// <summary>Judges a solution. Looks at its picture too, in a few milliseconds.</summary>
    public Assessment Assess(Solution solution)
    {
        ArgumentNullException.ThrowIfNull(solution);
        var failures = Verifiers.Check(solution.Reply, solution.Question.Code).HardFailures;
        if (failures.Count > 0) return new Assessment(0, failures, IsConfident: false);
        // That letters are not in the picture is a statement about the picture: it has its own probability, and nobody may use it as an answer.
        if (solution.Status is not AnswerStatus.Answered) return new Assessment(solution.RawConfidence ?? 0, [], IsConfident: false);
        var assessment = Assess(Signals.Of(solution));
        return assessment with { IsConfident = assessment.IsConfident && Certificate.Covers(solution.Sheet) };
    }

    /// <summary>Judges an answer without hard failures from its signals.</summary>
    public Assessment Assess(SignalVector signals)
    {
        var confidence = Calibrator.Confidence(signals);
        return new Assessment(confidence, [], IsConfident: confidence >= Threshold);
    }

    private void Check(string path)
    {
        if (Format != CurrentFormat)
        {
            throw new GateException(
                $"'{path}' has format {Format}, this program has {CurrentFormat}: it reads pictures in another way than the one that was measured. " +
                "Calibrate the package again.");
        }

        if (Threshold is not (> 0 and <= 1))
            throw new GateException($"'{path}' has the threshold {Threshold}; it is above 0 and at most 1. Calibrate the package again.");
        var unknown = Calibrator.Terms.Select(term => term.Name).FirstOrDefault(name => !Signals.Names.Contains(name));
        if (unknown is not null)
            throw new GateException($"'{path}' uses the signal '{unknown}', which this program does not know. Calibrate the package again.");
        if (Calibrator.Terms.Any(term => !(term.Deviation > 0)))
            throw new GateException($"'{path}' has a signal whose deviation is not above 0. Calibrate the package again.");
        if (Calibrator.Terms.FirstOrDefault(term => !(term.Weight >= 0)) is { } negative)
        {
            throw new GateException(
                $"'{path}' gives the signal '{negative.Name}' the weight {negative.Weight}; weights are at least 0. Calibrate the package again.");
        }

        var hash = Calibrator.Hash();
        if (hash != Certificate.CalibratorHash)
        {
            throw new GateException(
                $"'{path}' has a calibrator with the hash {hash}; its certificate is for {Certificate.CalibratorHash}. " +
                "The file was edited: calibrate the package again.");
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    WriteIndented = true)]
[JsonSerializable(typeof(Gate))]
internal sealed partial class GateJson : JsonSerializerContext;
