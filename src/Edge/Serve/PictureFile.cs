using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Microsoft.AspNetCore.Http;
using Vlm.Vision;

namespace Vlm.Edge.Serve;

/// <summary>Pictures as they come in, looked at as far as their header.</summary>
internal static class PictureFile
{
    private const string Base64Mark = ";base64";

    /// <summary>Refuses what cannot be a picture for this box, before a pixel is decoded.</summary>
    public static byte[] Checked(byte[] file, ServerOptions options)
    {
        if (file.Length == 0) throw new ApiError(StatusCodes.Status422UnprocessableEntity, "picture", "the picture is empty (0 bytes); send a PNG, JPEG, WebP or BMP file");
        var header = ImageCodec.Peek(file);
        if (header is null || !header.IsReadable)
        {
            var found = header is null ? $"{file.Length} bytes that are no picture" : $"a {header.Format} file";
            throw new ApiError(StatusCodes.Status415UnsupportedMediaType, "picture_type", $"the picture is {found}; send a PNG, JPEG, WebP or BMP file");
        }
        if ((long)header.Width * header.Height > options.PixelLimit)
        {
            throw new ApiError(StatusCodes.Status413PayloadTooLarge, "picture_too_large",
                $"the picture has {header.Width}x{header.Height} pixels; at most {options.PixelLimit} are taken. Make it smaller");
        }
        return file;
    }

    /// <summary>The file inside a data URI.</summary>
    public static byte[] FromDataUri(string uri)
    {
        const string Expected = "expected a data URI such as 'data:image/png;base64,…'";
        if (!uri.StartsWith("data:", StringComparison.OrdinalIgnoreCase))
            throw ApiError.BadRequest($"the picture is no data URI: {Expected}; this box fetches nothing from the network");
        var comma = uri.IndexOf(',', StringComparison.Ordinal);
        if (comma < 0 || !uri.AsSpan(0, comma).EndsWith(Base64Mark, StringComparison.OrdinalIgnoreCase))
            throw ApiError.BadRequest($"the picture's data URI is not in base64: {Expected}");
        var text = Encoding.UTF8.GetBytes(uri[(comma + 1)..]);
        return Base64.DecodeFromUtf8InPlace(text, out var length) == OperationStatus.Done
            ? text[..length]
            : throw ApiError.BadRequest("the picture's base64 is damaged or cut off");
    }
}
