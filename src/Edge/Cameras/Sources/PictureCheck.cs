using Vlm.Vision;

namespace Vlm.Edge.Cameras.Sources;

/// <summary>What can be told of a picture file without decoding it.</summary>
internal static class PictureCheck
{
    private static ReadOnlySpan<byte> ByteOrderMarkAndSpaces => [0xEF, 0xBB, 0xBF, (byte)' ', (byte)'\t', (byte)'\r', (byte)'\n'];

    /// <summary>The picture, damaged when it is a JPEG without its end.</summary>
    /// <param name="file">The whole file as it came.</param>
    /// <exception cref="SourceException">It is no picture.</exception>
    public static SourcePicture Of(ReadOnlyMemory<byte> file)
    {
        var isCutOff = JpegShape.IsCutOff(file.Span);
        if (ImageCodec.Peek(file.Span) is not { } header)
        {
            // Before its header was over.
            if (isCutOff) return new SourcePicture(file, FrameIntegrity.Damaged);
            throw LooksLikeHtml(file.Span)
                ? new SourceException(CameraReason.Html, "A page of HTML came instead of a picture. Is it the address of the camera's settings, or of a login?")
                : new SourceException(CameraReason.NotAPicture, $"{file.Length} bytes came that are no picture; JPEG, PNG, WebP or BMP is expected.");
        }
        if (!header.IsReadable) throw new SourceException(CameraReason.NotAPicture, $"A {header.Format} picture came; JPEG, PNG, WebP or BMP is expected.");
        return new SourcePicture(file, isCutOff ? FrameIntegrity.Damaged : FrameIntegrity.Intact);
    }

    /// <summary>Whether a text is a page for people.</summary>
    public static bool LooksLikeHtml(ReadOnlySpan<byte> text)
    {
        var start = text[..Math.Min(text.Length, 512)].TrimStart(ByteOrderMarkAndSpaces);
        return StartsWith(start, "<!doctype html"u8) || StartsWith(start, "<html"u8) || StartsWith(start, "<head"u8) || StartsWith(start, "<body"u8);
    }

    private static bool StartsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word)
    {
        if (text.Length < word.Length) return false;
        for (var i = 0; i < word.Length; i++)
        {
            if ((text[i] is >= (byte)'A' and <= (byte)'Z' ? text[i] | 0x20 : text[i]) != word[i]) return false;
        }
        return true;
    }
}
