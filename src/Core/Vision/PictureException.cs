namespace Vlm.Vision;

/// <summary>A picture that cannot be read or used. The message is for the person who supplied the picture.</summary>
public sealed class PictureException : UserException
{
    /// <summary>An error with a message that says what was expected, what was found, and what to do.</summary>
    public PictureException(string message) : base(message) { }

    /// <summary>The same, keeping what the decoder said.</summary>
    public PictureException(string message, Exception inner) : base(message, inner) { }
}
