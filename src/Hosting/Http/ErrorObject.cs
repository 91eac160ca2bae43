using System.Text.Json.Serialization;

namespace Vlm.Hosting.Http;

/// <summary>A request that ends with an error object. The message is for the client's author.</summary>
/// <param name="reason">Why.</param>
/// <param name="message">What was expected, what was found, what to do.</param>
/// <param name="parameter">The parameter at fault, as a path such as <c>messages[0].content</c>.</param>
/// <param name="retryAfter">When it is worth trying again; null when that would not help.</param>
public sealed class ApiException(ErrorReason reason, string message, string? parameter = null, TimeSpan? retryAfter = null) : Exception(message)
{
    /// <summary>Why.</summary>
    public ErrorReason Reason => reason;

    /// <summary>The parameter at fault.</summary>
    public string? Parameter => parameter;

    /// <summary>When it is worth trying again.</summary>
    public TimeSpan? RetryAfter => retryAfter;

    /// <summary>What is sent of it.</summary>
    public ErrorBody ToBody()
    {
        var (_, type, code) = reason.Shape();
        return new ErrorBody(new ErrorObject(Message, type, parameter, code));
    }
}

/// <summary>The error object of OpenAI's interface.</summary>
public sealed record ErrorBody(ErrorObject Error);

/// <summary>Its only member. <c>param</c> and <c>code</c> are always there, null when there is nothing to say.</summary>
public sealed record ErrorObject(string Message, string Type, string? Param, string? Code);

/// <summary>How error objects are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ErrorBody))]
public sealed partial class ErrorJson : JsonSerializerContext;
