using Vlm.Cryptogram;

namespace Vlm.Edge.Messages;

/// <summary>The message of a camera as it is known now.</summary>
/// <param name="Code">In its normal form; null while there is none.</param>
/// <param name="Problem">Why there is none, for people; null when none is simply not given.</param>
internal sealed record MessageNow(string? Code, string? Problem = null)
{
    /// <summary>None is given.</summary>
    public static MessageNow None { get; } = new(null, null);

    /// <summary>The message that a text says; an empty text says that there is none.</summary>
    /// <param name="text">What came.</param>
    /// <param name="source">Where it came from, for people.</param>
    public static MessageNow Of(string text, string source)
    {
        if (string.IsNullOrWhiteSpace(text)) return None;
        try
        {
            return new MessageNow(Cryptogram.Code.Parse(text));
        }
        catch (CodeException e)
        {
            return new MessageNow(null, $"{source} gives no coded message: {e.Message}");
        }
    }
}

/// <summary>Where a message comes from.</summary>
internal interface IMessageSource
{
    /// <summary>The message now. Never waits: what has to be fetched is fetched meanwhile, and there when it is asked for next.</summary>
    MessageNow Now { get; }
}

/// <summary>Always the same message.</summary>
internal sealed class StaticMessage(string text) : IMessageSource
{
    public MessageNow Now { get; } = MessageNow.Of(text, "The configuration");
}

/// <summary>The last message of a topic.</summary>
/// <param name="topic">Its name.</param>
/// <param name="last">What came there last; null before anything did.</param>
internal sealed class TopicMessage(string topic, Func<string, string?> last) : IMessageSource
{
    private (string? Text, MessageNow Said) _known = (null, MessageNow.None);

    public MessageNow Now
    {
        get
        {
            var text = last(topic);
            if (text != _known.Text) _known = (text, MessageNow.Of(text ?? "", $"The topic '{topic}'"));
            return _known.Said;
        }
    }
}
