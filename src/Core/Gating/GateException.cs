namespace Vlm.Gating;

/// <summary>A gate that cannot be used: it is damaged, or it belongs to another model. The message is for the user.</summary>
public sealed class GateException : UserException
{
    /// <summary>An error with a message that says what was expected, what was found, where, and what to do.</summary>
    public GateException(string message) : base(message) { }

    /// <summary>The same, keeping the error that led to it.</summary>
    public GateException(string message, Exception inner) : base(message, inner) { }
}
