namespace Vlm.Model;

/// <summary>A model file that cannot be used: configuration, weights or tokenizer. The message names the file and what to do.</summary>
public sealed class CheckpointException : Exception
{
    /// <summary>A model file that cannot be used.</summary>
    public CheckpointException()
        : this("The model files cannot be used.")
    {
    }

    /// <summary>A model file that cannot be used.</summary>
    /// <param name="message">What was expected, what was found, where, and what to do.</param>
    public CheckpointException(string message)
        : base(message)
    {
    }

    /// <summary>A model file that cannot be used.</summary>
    /// <param name="message">What was expected, what was found, where, and what to do.</param>
    /// <param name="innerException">The cause.</param>
    public CheckpointException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
