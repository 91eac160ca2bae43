namespace Vlm.Edge.Messages;

/// <summary>Makes the source that options name.</summary>
internal static class MessageSources
{
    /// <param name="options">Checked; null for none.</param>
    /// <param name="clock">Paces what must be looked at or asked.</param>
    /// <param name="topic">What came last at a topic; null before anything did.</param>
    public static IMessageSource Of(MessageOptions? options, TimeProvider clock, Func<string, string?> topic) => options switch
    {
        { Static: { } text } => new StaticMessage(text),
        { File: { } file } => new FileMessage(file, clock),
        { Webhook: { } webhook } => new WebhookMessage(webhook, clock),
        { Topic: { } name } => new TopicMessage(name, topic),
        _ => new StaticMessage(""),
    };
}
