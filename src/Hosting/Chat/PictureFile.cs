using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Vlm.Hosting.Http;
using Vlm.Vision;

namespace Vlm.Hosting.Chat;

/// <summary>Pictures as they come in, looked at as far as their header.</summary>
public static class PictureFile
{
    private const string Scheme = "data:";
    private const string Base64Mark = ";base64";

    /// <summary>The file inside a data URI.</summary>
    /// <param name="uri">A string of JSON: the URI. It is read where it stands, for it may have megabytes.</param>
    /// <param name="parameter">Where it stood in the request.</param>
    /// <exception cref="ApiException">Not a data URI, or not base64.</exception>
    public static byte[] FromDataUri(JsonElement uri, string parameter)
    {
        var text = JsonMarshal.GetRawUtf8Value(uri)[1..^1];
        return FromDataUri(text.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(uri.GetString()!) : text, parameter);
    }

    private static byte[] FromDataUri(ReadOnlySpan<byte> uri, string parameter)
    {
        if (!Ascii.EqualsIgnoreCase(uri[..Math.Min(uri.Length, Scheme.Length)], Scheme))
        {
            throw new ApiException(ErrorReason.InvalidRequest,
                "Only data URIs are read, such as 'data:image/png;base64,…': this server fetches nothing from the network. Send the picture itself.",
                    parameter);
        }
        var comma = uri.IndexOf((byte)',');
        if (comma < Base64Mark.Length || !Ascii.EqualsIgnoreCase(uri[(comma - Base64Mark.Length)..comma], Base64Mark))
            throw new ApiException(ErrorReason.InvalidRequest, "The data URI is not base64: expected 'data:image/png;base64,…'.", parameter);
        var text = uri[(comma + 1)..];
        var bytes = GC.AllocateUninitializedArray<byte>(Base64.GetMaxDecodedFromUtf8Length(text.Length) - Padding(text));
        if (Base64.DecodeFromUtf8(text, bytes, out _, out var length) != OperationStatus.Done)
            throw new ApiException(ErrorReason.InvalidRequest, "The data URI's base64 is damaged or cut off.", parameter);
        return length == bytes.Length ? bytes : bytes[..length];
    }

    /// <summary>Bytes that the end of a text of base64 does not have; 0 where more than the usual follows its last letter.</summary>
    private static int Padding(ReadOnlySpan<byte> text) => text.Length % 4 != 0 ? 0 : text.EndsWith("=="u8) ? 2 : text.EndsWith("="u8) ? 1 : 0;

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
