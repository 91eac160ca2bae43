namespace Vlm.Export.Options;

/// <summary>An export or check that cannot be done. The message is for the user.</summary>
internal sealed class ExportException : UserException
{
    /// <summary>An error with a message that says what was expected, what was found, where, and what to do.</summary>
    public ExportException(string message)
        : base(message)
    {
    }

    /// <summary>The same, keeping the error that led to it.</summary>
    public ExportException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
