using System.Text.Json.Serialization;

namespace Vlm.Escalation.Errors;

/// <summary>The error object of the interface.</summary>
internal sealed record ErrorBody(ErrorDetail Error);

/// <summary>Its only member. <c>param</c> and <c>code</c> are always there, null when there is nothing to say.</summary>
internal sealed record ErrorDetail(string Message, string Type, string? Param, string? Code)
{
    public static ErrorDetail Of(ApiException e)
    {
        var (_, type, code) = e.Reason.Shape();
        return new ErrorDetail(e.Message, type, e.Parameter, code);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ErrorBody))]
internal sealed partial class ErrorJson : JsonSerializerContext;
