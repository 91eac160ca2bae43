namespace Vlm.Vision;

/// <summary>A picture that cannot be read or used. The message is for the person who supplied the picture.</summary>
public sealed class PictureException : Exception
{
    /// <summary>A picture that cannot be used.</summary>
    public PictureException()
        : this("The picture cannot be used.")
    {
    }

    /// <summary>A picture that cannot be used.</summary>
    /// <param name="message">What was expected, what was found, and what to do.</param>
    public PictureException(string message)
        : base(message)
    {
    }

    /// <summary>A picture that cannot be used.</summary>
    /// <param name="message">What was expected, what was found, and what to do.</param>
    /// <param name="innerException">What the decoder said.</param>
    public PictureException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
