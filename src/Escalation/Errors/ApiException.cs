namespace Vlm.Escalation.Errors;

/// <summary>A request that ends with an error object. The message is for whoever sent it.</summary>
/// <param name="reason">Why.</param>
/// <param name="message">What was expected, what was found, what to do.</param>
/// <param name="parameter">The parameter at fault, as a path such as <c>messages[0].content</c>.</param>
/// <param name="retryAfter">When it is worth trying again.</param>
internal sealed class ApiException(ErrorReason reason, string message, string? parameter = null, TimeSpan? retryAfter = null) : Exception(message)
{
    public ErrorReason Reason => reason;

    public string? Parameter => parameter;

    public TimeSpan? RetryAfter => retryAfter;
}
