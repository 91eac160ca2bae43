using System.Net;
using System.Net.Http.Headers;

namespace Vlm.Edge.Escalations;

/// <summary>What statuses and errors mean. Pure.</summary>
internal static class AttemptRules
{
    /// <summary>A reply that is no 2xx.</summary>
    /// <remarks>
    /// Repeated: 408, 429, 500, 502, 503 and 504, which other calls may not meet. Not repeated: everything that the same request meets again, and 409, which
    /// says that the request with this key is still being worked on.
    /// </remarks>
    public static Attempt.Failed OfStatus(HttpStatusCode status, string said, TimeSpan? retryAfter)
    {
        var (reason, isFault, mayRepeat) = (int)status switch
        {
            408 => (EscalationFailure.Timeout, true, true),
            409 => (EscalationFailure.Overloaded, false, false),
            413 => (EscalationFailure.TooLarge, false, false),
            429 or 503 => (EscalationFailure.Overloaded, true, true),
            500 or 502 => (EscalationFailure.ServerError, true, true),
            504 => (EscalationFailure.Timeout, true, true),
            >= 500 => (EscalationFailure.ServerError, true, false),
            >= 400 => (EscalationFailure.Rejected, false, false),
            _ => (EscalationFailure.BadAnswer, true, false),
        };
        var detail = said.Length == 0 ? $"status {(int)status}" : $"status {(int)status}: {said}";
        return new Attempt.Failed(reason, detail) { Status = (int)status, RetryAfter = retryAfter, IsEndpointsFault = isFault, MayRepeat = mayRepeat };
    }

    /// <summary>An error of the connection. Only one before the request was sent is repeated: afterwards the endpoint may be working on it.</summary>
    public static Attempt.Failed OfError(HttpRequestException error)
    {
        var isConnect = error.HttpRequestError
            is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
            or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError;
        // A name or a certificate does not mend itself within a second.
        var mayRepeat = error.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.ProxyTunnelError;
        var cause = error.InnerException is { } inner && error.HttpRequestError == HttpRequestError.SecureConnectionError ? $" ({inner.Message})" : "";
        return new Attempt.Failed(isConnect ? EscalationFailure.Offline : EscalationFailure.ServerError, $"{error.HttpRequestError}: {error.Message}{cause}")
        {
            IsEndpointsFault = true,
            MayRepeat = mayRepeat,
        };
    }

    /// <summary>A reply that breaks the protocol.</summary>
    public static Attempt.Failed Garbage(string detail) => new(EscalationFailure.BadAnswer, detail) { IsEndpointsFault = true, Status = 200 };

    /// <summary>A reply whose answer cannot be used.</summary>
    public static Attempt.Failed Unusable(string detail) => new(EscalationFailure.BadAnswer, detail) { Status = 200 };

    /// <summary>How long the endpoint asks to be left alone, from seconds or a date; null when it does not say; never negative.</summary>
    public static TimeSpan? RetryAfter(RetryConditionHeaderValue? header, DateTimeOffset now)
    {
        var wait = header switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - now,
            _ => (TimeSpan?)null,
        };
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }
}
