namespace Vlm.Vision;

/// <summary>What the header of a picture file says.</summary>
/// <param name="Format">The kind of file, such as <c>Png</c>.</param>
/// <param name="Width">Pixels per row as stored, before it is turned upright.</param>
/// <param name="Height">Rows.</param>
/// <param name="IsReadable">Whether <see cref="ImageCodec.Decode"/> takes this kind of file.</param>
public sealed record PictureHeader(string Format, int Width, int Height, bool IsReadable);
