using System.Net;

namespace Vlm.Hosting.Http;

/// <summary>Why a request was not answered. Each is also a metric label: its code.</summary>
public enum ErrorReason
{
    /// <summary>The body is not what the interface takes.</summary>
    InvalidRequest,

    /// <summary>A parameter that nobody knows.</summary>
    UnknownParameter,

    /// <summary>A parameter of the interface that this model cannot honour.</summary>
    UnsupportedParameter,

    /// <summary>No key, or one that is not known.</summary>
    InvalidApiKey,

    /// <summary>The key may not do this.</summary>
    RoleMissing,

    /// <summary>The client speaks to a host name that is not this service's.</summary>
    ForeignHost,

    /// <summary>A page of another site sent it.</summary>
    ForeignOrigin,

    /// <summary>Another model was asked for.</summary>
    ModelNotFound,

    /// <summary>No such address.</summary>
    NotFound,

    /// <summary>Nothing is kept under this id.</summary>
    UnknownId,

    /// <summary>The address takes another method.</summary>
    MethodNotAllowed,

    /// <summary>The body did not arrive in time.</summary>
    BodyTimeout,

    /// <summary>The body is over the limit.</summary>
    RequestTooLarge,

    /// <summary>The picture's header announces more pixels than the limit.</summary>
    PictureTooLarge,

    /// <summary>The body comes as a type that is not read.</summary>
    UnsupportedMediaType,

    /// <summary>The picture is of a kind that is not read.</summary>
    UnsupportedPicture,

    /// <summary>The picture cannot be decoded or does not suit the model.</summary>
    UnusablePicture,

    /// <summary>The coded message is none.</summary>
    UnusableCode,

    /// <summary>The coded message does not fit beside its picture.</summary>
    CodeTooLong,

    /// <summary>An idempotency key that belongs to another request.</summary>
    IdempotencyKeyReused,

    /// <summary>All places for requests are taken.</summary>
    TooManyRequests,

    /// <summary>The key asks more often than it may.</summary>
    RateLimited,

    /// <summary>All places for listeners are taken.</summary>
    TooManyListeners,

    /// <summary>The queue before the model is full; the client should slow down.</summary>
    QueueFull,

    /// <summary>The wait would be longer than the request's deadline.</summary>
    DeadlineTooShort,

    /// <summary>The queue before the local model is full.</summary>
    Busy,

    /// <summary>A fault of the server.</summary>
    Internal,

    /// <summary>The engine failed on this question.</summary>
    ModelFailed,

    /// <summary>The disk of the service is full, or cannot be read or written.</summary>
    StorageFailed,

    /// <summary>The model is still being loaded.</summary>
    ModelLoading,

    /// <summary>The server ends.</summary>
    ShuttingDown,

    /// <summary>The deadline passed before the answer was there.</summary>
    DeadlineExceeded,

    /// <summary>The client gave up.</summary>
    Cancelled,
}

/// <summary>What each reason looks like to a client.</summary>
public static class ErrorReasons
{
    private const string Caller = "invalid_request_error";
    private const string Load = "rate_limit_error";
    private const string Server = "server_error";
    private const HttpStatusCode ClientClosedRequest = (HttpStatusCode)499;

    /// <summary>HTTP status, and the <c>type</c> and <c>code</c> of the error object.</summary>
    public static (HttpStatusCode Status, string Type, string Code) Shape(this ErrorReason reason) => reason switch
    {
        ErrorReason.InvalidRequest => (HttpStatusCode.BadRequest, Caller, "invalid_request"),
        ErrorReason.UnknownParameter => (HttpStatusCode.BadRequest, Caller, "unknown_parameter"),
        ErrorReason.UnsupportedParameter => (HttpStatusCode.BadRequest, Caller, "unsupported_parameter"),
        ErrorReason.InvalidApiKey => (HttpStatusCode.Unauthorized, Caller, "invalid_api_key"),
        ErrorReason.RoleMissing => (HttpStatusCode.Forbidden, Caller, "role_missing"),
        ErrorReason.ForeignHost => (HttpStatusCode.MisdirectedRequest, Caller, "foreign_host"),
        ErrorReason.ForeignOrigin => (HttpStatusCode.Forbidden, Caller, "foreign_origin"),
        ErrorReason.ModelNotFound => (HttpStatusCode.NotFound, Caller, "model_not_found"),
        ErrorReason.NotFound => (HttpStatusCode.NotFound, Caller, "not_found"),
        ErrorReason.UnknownId => (HttpStatusCode.NotFound, Caller, "unknown_id"),
        ErrorReason.MethodNotAllowed => (HttpStatusCode.MethodNotAllowed, Caller, "method_not_allowed"),
        ErrorReason.BodyTimeout => (HttpStatusCode.RequestTimeout, Caller, "body_timeout"),
        ErrorReason.RequestTooLarge => (HttpStatusCode.RequestEntityTooLarge, Caller, "request_too_large"),
        ErrorReason.PictureTooLarge => (HttpStatusCode.RequestEntityTooLarge, Caller, "picture_too_large"),
        ErrorReason.UnsupportedMediaType => (HttpStatusCode.UnsupportedMediaType, Caller, "unsupported_media_type"),
        ErrorReason.UnsupportedPicture => (HttpStatusCode.UnsupportedMediaType, Caller, "unsupported_picture"),
        ErrorReason.UnusablePicture => (HttpStatusCode.UnprocessableEntity, Caller, "unusable_picture"),
        ErrorReason.UnusableCode => (HttpStatusCode.UnprocessableEntity, Caller, "unusable_code"),
        ErrorReason.CodeTooLong => (HttpStatusCode.UnprocessableEntity, Caller, "code_too_long"),
        ErrorReason.IdempotencyKeyReused => (HttpStatusCode.UnprocessableEntity, Caller, "idempotency_key_reused"),
        ErrorReason.Cancelled => (ClientClosedRequest, Caller, "cancelled"),
        ErrorReason.TooManyRequests => (HttpStatusCode.TooManyRequests, Load, "too_many_requests"),
        ErrorReason.RateLimited => (HttpStatusCode.TooManyRequests, Load, "rate_limited"),
        ErrorReason.QueueFull => (HttpStatusCode.TooManyRequests, Load, "queue_full"),
        ErrorReason.DeadlineTooShort => (HttpStatusCode.TooManyRequests, Load, "deadline_too_short"),
        ErrorReason.TooManyListeners => (HttpStatusCode.ServiceUnavailable, Server, "too_many_listeners"),
        ErrorReason.Busy => (HttpStatusCode.ServiceUnavailable, Server, "busy"),
        ErrorReason.StorageFailed => (HttpStatusCode.ServiceUnavailable, Server, "storage_failed"),
        ErrorReason.ModelLoading => (HttpStatusCode.ServiceUnavailable, Server, "model_loading"),
        ErrorReason.ShuttingDown => (HttpStatusCode.ServiceUnavailable, Server, "shutting_down"),
        ErrorReason.DeadlineExceeded => (HttpStatusCode.GatewayTimeout, Server, "deadline_exceeded"),
        ErrorReason.ModelFailed => (HttpStatusCode.InternalServerError, Server, "model_failed"),
        _ => (HttpStatusCode.InternalServerError, Server, "internal_error"),
    };
}
