using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;

namespace Vlm.Edge.Api;

/// <summary>The fields of a form to <c>POST /api/v1/solve</c>; empty where it has none.</summary>
internal sealed record SolveForm(byte[] Picture, string Code, string DeadlineMs, string Mode)
{
    private const string PictureName = "picture";
    private const int MostParts = 8, LongestField = 4096;
    private static readonly string[] TextNames = ["code", "deadline_ms", "mode"];

    /// <summary>Takes a body of multipart/form-data apart, in memory and copying nothing but its fields.</summary>
    /// <param name="contentType">With the boundary.</param>
    /// <param name="body">The whole body.</param>
    /// <exception cref="ApiException">It is cut off or something else, or has other fields than these or one of them twice.</exception>
    public static async Task<SolveForm> ParseAsync(string? contentType, BodyBlocks body)
    {
        var fields = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        try
        {
            var reader = new MultipartReader(Boundary(contentType), body.Open()) { HeadersCountLimit = MostParts, HeadersLengthLimit = LongestField };
            for (var parts = 0; await reader.ReadNextSectionAsync() is { } section; parts++)
            {
                if (parts == MostParts) throw new InvalidDataException($"it has more than {MostParts} parts");
                var name = Name(section);
                await section.Body.CopyToAsync(Stream.Null);
                if (!fields.TryAdd(name, body.Copy((int)section.BaseStreamOffset!.Value, (int)section.Body.Position)))
                    throw Wrong($"The form has '{name}' more than once; give one.", name);
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw Wrong($"The form cannot be read: {e.Message}", null);
        }
        if (!fields.TryGetValue(PictureName, out var picture)) throw Wrong("The form has no file 'picture'.", PictureName);
        return new SolveForm(picture, Text("code"), Text("deadline_ms"), Text("mode"));

        string Text(string name) => fields.TryGetValue(name, out var value) ? Encoding.UTF8.GetString(value) : "";
    }

    private static string Boundary(string? contentType)
    {
        const int Longest = 128;
        var boundary = MediaTypeHeaderValue.TryParse(contentType, out var type) ? HeaderUtilities.RemoveQuotes(type.Boundary).ToString() : "";
        return boundary.Length is > 0 and <= Longest
            ? boundary
            : throw new InvalidDataException($"its content type needs a boundary of 1 to {Longest} characters");
    }

    private static string Name(MultipartSection section)
    {
        if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition)
            || !disposition.DispositionType.Equals("form-data", StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidDataException("a part has no Content-Disposition of form-data");
        }
        var name = HeaderUtilities.RemoveQuotes(disposition.Name).ToString();
        if (name == PictureName ? !disposition.IsFileDisposition() : !TextNames.Contains(name))
        {
            throw new ApiException(ErrorReason.UnknownParameter,
                $"The form has a field '{name}'; expected the file picture, and code, deadline_ms and mode.", name);
        }
        return name;
    }

    private static ApiException Wrong(string what, string? field) => new(ErrorReason.InvalidRequest, what, field);
}
