namespace Vlm.Model;

/// <summary>A model file that cannot be used: configuration, weights or tokenizer. The message names the file and what to do.</summary>
public sealed class CheckpointException : UserException
{
    /// <summary>An error with a message that says what was expected, what was found, where, and what to do.</summary>
    public CheckpointException(string message) : base(message) { }

    /// <summary>The same, keeping the error that led to it.</summary>
    public CheckpointException(string message, Exception inner) : base(message, inner) { }
}
