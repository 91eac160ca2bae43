namespace Vlm.Edge.Cameras.Sources;

/// <summary>How fast pictures are asked for, how long to wait for one, and how large it may be.</summary>
/// <param name="Interval">Between two pictures.</param>
/// <param name="Patience">For the first picture, and between any two.</param>
/// <param name="MaxBytes">Of one picture file.</param>
internal sealed record SourcePace(TimeSpan Interval, TimeSpan Patience, int MaxBytes);
