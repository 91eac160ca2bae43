namespace Vlm;

/// <summary>
/// Something that a person can put right: the message says what was expected, what was found, where, and what to do. Programs print it without a stack trace
/// and end with exit code 1.
/// </summary>
public class UserException : Exception
{
    /// <summary>An error with its message.</summary>
    public UserException(string message) : base(message) { }

    /// <summary>The same, keeping the error that led to it.</summary>
    public UserException(string message, Exception? inner) : base(message, inner) { }
}

/// <summary>A command line or a configuration that makes no sense; programs end with exit code 2.</summary>
public class UsageException : UserException
{
    /// <summary>An error with its message.</summary>
    public UsageException(string message) : base(message) { }

    /// <summary>The same, keeping the error that led to it.</summary>
    public UsageException(string message, Exception? inner) : base(message, inner) { }
}

/// <summary>A run that was stopped between two steps and has kept what was done; the message says how to go on. Programs end with exit code 130.</summary>
public sealed class StoppedException(string message) : OperationCanceledException(message);
