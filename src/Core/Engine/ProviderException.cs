namespace Vlm.Engine;

/// <summary>
/// A provider that did not start, or failed in the middle of a run: what the processor could still do. With <see cref="ProviderKind.Auto"/> it does; a provider
/// that was asked for by name ends with this error.
/// </summary>
public sealed class ProviderException : UserException
{
    /// <summary>An error with a message for the user.</summary>
    public ProviderException(string message) : base(message) { }

    /// <summary>The same, keeping the error that led to it.</summary>
    public ProviderException(string message, Exception inner) : base(message, inner) { }
}
