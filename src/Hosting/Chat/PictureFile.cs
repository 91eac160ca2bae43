using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Vlm.Hosting.Http;
using Vlm.Vision;

namespace Vlm.Hosting.Chat;

/// <summary>Pictures as they come in, looked at as far as their header.</summary>
public static class PictureFile
{
    private const string Scheme = "data:";
    private const string Base64Mark = ";base64";

    /// <summary>The file inside a data URI.</summary>
    /// <param name="uri">The URI.</param>
    /// <param name="parameter">Where it stood in the request.</param>
    /// <exception cref="ApiException">Not a data URI, or not base64.</exception>
    public static byte[] FromDataUri(string uri, string parameter)
    {
        if (!uri.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            throw new ApiException(ErrorReason.InvalidRequest,
                "Only data URIs are read, such as 'data:image/png;base64,…': this server fetches nothing from the network. Send the picture itself.",
                    parameter);
        }
        var comma = uri.IndexOf(',', StringComparison.Ordinal);
        if (comma < 0 || !uri.AsSpan(0, comma).EndsWith(Base64Mark, StringComparison.OrdinalIgnoreCase))
            throw new ApiException(ErrorReason.InvalidRequest, "The data URI is not base64: expected 'data:image/png;base64,…'.", parameter);
        var text = uri.AsSpan(comma + 1);
        var bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        if (Base64.DecodeFromUtf8InPlace(bytes, out var length) != OperationStatus.Done)
            throw new ApiException(ErrorReason.InvalidRequest, "The data URI's base64 is damaged or cut off.", parameter);
        return bytes.AsSpan(0, length).ToArray();
    }

    /// <summary>The file itself, when its header says that it can be a picture for this server; no pixel is decoded.</summary>
    /// <param name="file">The file.</param>
    /// <param name="maxPixels">More are refused.</param>
    /// <param name="parameter">Where it stood in the request.</param>
    /// <exception cref="ApiException">Not a picture of a kind that is read, or too large a one.</exception>
    public static byte[] CheckHeader(byte[] file, int maxPixels, string parameter)
    {
        const string Kinds = "Send a PNG, JPEG, WebP or BMP file.";
        var header = ImageCodec.Peek(file)
            ?? throw new ApiException(ErrorReason.UnsupportedPicture, $"The {file.Length} bytes are no picture that can be read. {Kinds}", parameter);
        if (!header.IsReadable) throw new ApiException(ErrorReason.UnsupportedPicture, $"The picture is a {header.Format} file. {Kinds}", parameter);
        if ((long)header.Width * header.Height > maxPixels)
        {
            throw new ApiException(ErrorReason.PictureTooLarge,
                $"The picture has {header.Width}x{header.Height} pixels; at most {maxPixels} are taken. Make it smaller.", parameter);
        }
        return file;
    }
}
