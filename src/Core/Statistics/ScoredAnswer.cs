namespace Vlm.Statistics;

/// <summary>One answer with a confidence, and whether it was right.</summary>
/// <param name="Confidence">The higher, the surer. A probability where calibration is measured; any finite number where only the order counts.</param>
/// <param name="IsCorrect">Whether the whole answer was right.</param>
public readonly record struct ScoredAnswer(double Confidence, bool IsCorrect);
