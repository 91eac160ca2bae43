using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Vlm.Escalation.Errors;
using Vlm.Vision;

namespace Vlm.Escalation.Chat;

/// <summary>The picture of a data URI, looked at as far as its header.</summary>
internal static class PictureData
{
    private const string Scheme = "data:";
    private const string Base64Mark = ";base64";

    /// <summary>The picture's file.</summary>
    /// <param name="uri">The URI.</param>
    /// <param name="maxPixels">More are refused before any is decoded.</param>
    /// <param name="parameter">Where it stood in the request.</param>
    /// <exception cref="ApiException">Not a data URI, not base64, not a picture, or too large a one.</exception>
    public static byte[] Read(string uri, int maxPixels, string parameter)
    {
        if (!uri.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            throw new ApiException(ErrorReason.InvalidRequest,
                "Only data URIs are read, such as 'data:image/png;base64,…': this server fetches nothing from the network. Send the picture itself.", parameter);
        }
        var comma = uri.IndexOf(',', StringComparison.Ordinal);
        if (comma < 0 || !uri.AsSpan(0, comma).EndsWith(Base64Mark, StringComparison.OrdinalIgnoreCase))
            throw new ApiException(ErrorReason.InvalidRequest, "The data URI is not base64: expected 'data:image/png;base64,…'.", parameter);
        var file = Decode(uri.AsSpan(comma + 1), parameter);
        var header = ImageCodec.Peek(file)
            ?? throw new ApiException(ErrorReason.UnsupportedPicture, $"The {file.Length} bytes of the data URI are no picture that can be read. Send a PNG, JPEG, WebP or BMP file.", parameter);
        if (!header.IsReadable)
            throw new ApiException(ErrorReason.UnsupportedPicture, $"The picture is a {header.Format} file. Send a PNG, JPEG, WebP or BMP file.", parameter);
        if ((long)header.Width * header.Height > maxPixels)
            throw new ApiException(ErrorReason.PictureTooLarge, $"The picture has {header.Width}x{header.Height} pixels; at most {maxPixels} are taken. Make it smaller.", parameter);
        return file;
    }

    private static byte[] Decode(ReadOnlySpan<char> text, string parameter)
    {
        var ascii = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, ascii);
        if (Base64.DecodeFromUtf8InPlace(ascii, out var length) != OperationStatus.Done)
            throw new ApiException(ErrorReason.InvalidRequest, "The data URI's base64 is damaged or cut off.", parameter);
        return ascii.AsSpan(0, length).ToArray();
    }
}
