namespace Vlm.Package;

/// <summary>
/// A model package that cannot be used: a file is missing, damaged, or says what this program does not understand. The message is for the user.
/// </summary>
public sealed class ModelException : UserException
{
    /// <summary>An error with a message that says what was expected, what was found, where, and what to do.</summary>
    public ModelException(string message) : base(message) { }

    /// <summary>The same, keeping the error that led to it.</summary>
    public ModelException(string message, Exception inner) : base(message, inner) { }
}
