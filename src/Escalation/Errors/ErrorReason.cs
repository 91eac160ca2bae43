using System.Net;

namespace Vlm.Escalation.Errors;

/// <summary>Why a request was not answered. Each is also a value of the metric <c>outcome</c>.</summary>
internal enum ErrorReason
{
    /// <summary>The body is not JSON, or not what the interface takes.</summary>
    InvalidRequest,

    /// <summary>A parameter that nobody knows.</summary>
    UnknownParameter,

    /// <summary>A parameter of the interface that this model cannot honour.</summary>
    UnsupportedParameter,

    /// <summary>No key, or one that is not known.</summary>
    InvalidApiKey,

    /// <summary>Another model was asked for.</summary>
    ModelNotFound,

    /// <summary>No such address.</summary>
    NotFound,

    /// <summary>The address takes another method.</summary>
    MethodNotAllowed,

    /// <summary>The body did not arrive in time.</summary>
    BodyTimeout,

    /// <summary>The body is over the limit.</summary>
    RequestTooLarge,

    /// <summary>The picture's header announces more pixels than the limit.</summary>
    PictureTooLarge,

    /// <summary>The body is not sent as JSON.</summary>
    UnsupportedMediaType,

    /// <summary>The picture is of a kind that is not read.</summary>
    UnsupportedPicture,

    /// <summary>The picture cannot be decoded or does not suit the model.</summary>
    UnusablePicture,

    /// <summary>An idempotency key that belongs to another request.</summary>
    IdempotencyKeyReused,

    /// <summary>As many wait as may.</summary>
    QueueFull,

    /// <summary>The wait would be longer than the request's deadline.</summary>
    DeadlineTooShort,

    /// <summary>A fault of the server.</summary>
    Internal,

    /// <summary>The model is still being loaded.</summary>
    ModelLoading,

    /// <summary>The server ends.</summary>
    ShuttingDown,

    /// <summary>The deadline passed before the answer was there.</summary>
    DeadlineExceeded,
}

/// <summary>What each reason looks like to a client.</summary>
internal static class ErrorReasons
{
    private const string Caller = "invalid_request_error";
    private const string Load = "rate_limit_error";
    private const string Server = "server_error";

    /// <summary>HTTP status, and the <c>type</c> and <c>code</c> of the error object.</summary>
    public static (HttpStatusCode Status, string Type, string Code) Shape(this ErrorReason reason) => reason switch
    {
        ErrorReason.InvalidRequest => (HttpStatusCode.BadRequest, Caller, "invalid_request"),
        ErrorReason.UnknownParameter => (HttpStatusCode.BadRequest, Caller, "unknown_parameter"),
        ErrorReason.UnsupportedParameter => (HttpStatusCode.BadRequest, Caller, "unsupported_parameter"),
        ErrorReason.InvalidApiKey => (HttpStatusCode.Unauthorized, Caller, "invalid_api_key"),
        ErrorReason.ModelNotFound => (HttpStatusCode.NotFound, Caller, "model_not_found"),
        ErrorReason.NotFound => (HttpStatusCode.NotFound, Caller, "not_found"),
        ErrorReason.MethodNotAllowed => (HttpStatusCode.MethodNotAllowed, Caller, "method_not_allowed"),
        ErrorReason.BodyTimeout => (HttpStatusCode.RequestTimeout, Caller, "body_timeout"),
        ErrorReason.RequestTooLarge => (HttpStatusCode.RequestEntityTooLarge, Caller, "request_too_large"),
        ErrorReason.PictureTooLarge => (HttpStatusCode.RequestEntityTooLarge, Caller, "picture_too_large"),
        ErrorReason.UnsupportedMediaType => (HttpStatusCode.UnsupportedMediaType, Caller, "unsupported_media_type"),
        ErrorReason.UnsupportedPicture => (HttpStatusCode.UnsupportedMediaType, Caller, "unsupported_picture"),
        ErrorReason.UnusablePicture => (HttpStatusCode.UnprocessableEntity, Caller, "unusable_picture"),
        ErrorReason.IdempotencyKeyReused => (HttpStatusCode.UnprocessableEntity, Caller, "idempotency_key_reused"),
        ErrorReason.QueueFull => (HttpStatusCode.TooManyRequests, Load, "queue_full"),
        ErrorReason.DeadlineTooShort => (HttpStatusCode.TooManyRequests, Load, "deadline_too_short"),
        ErrorReason.ModelLoading => (HttpStatusCode.ServiceUnavailable, Server, "model_loading"),
        ErrorReason.ShuttingDown => (HttpStatusCode.ServiceUnavailable, Server, "shutting_down"),
        ErrorReason.DeadlineExceeded => (HttpStatusCode.GatewayTimeout, Server, "deadline_exceeded"),
        _ => (HttpStatusCode.InternalServerError, Server, "internal_error"),
    };
}
