using Vlm.Hosting.Http;

namespace Vlm.Escalation.Work;

/// <summary>Whether there is a model to ask. Written by the worker and by the end of the program, read by everybody.</summary>
/// <param name="options">What is served.</param>
internal sealed class ModelSlot(ModelOptions options)
{
    private volatile IModel? _model;
    private volatile string? _failure;
    private volatile bool _isEnding;

    /// <summary>The name that is served.</summary>
    public string Name => options.ServedName;

    /// <summary>Folder of the package.</summary>
    public string Folder => options.Path!;

    /// <summary>Why the model cannot be served; null while nothing is wrong.</summary>
    public string? Failure => _failure;

    /// <summary>Whether requests are taken.</summary>
    public bool IsReady => _model is not null && !_isEnding;

    public void Fill(IModel model) => _model = model;

    public void Fail(string reason) => _failure = reason;

    public void End() => _isEnding = true;

    /// <summary>The model, loaded and warm.</summary>
    /// <exception cref="ApiException">It is not yet there, or the server ends.</exception>
    public IModel Required()
    {
        if (_isEnding) throw new ApiException(ErrorReason.ShuttingDown, "The server is ending. Ask another one.", retryAfter: TimeSpan.FromSeconds(5));
        return _model ?? throw new ApiException(ErrorReason.ModelLoading, "The model is still being loaded. /health/ready says when it is not.",
            retryAfter: TimeSpan.FromSeconds(2));
    }
}
