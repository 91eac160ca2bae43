namespace Vlm.Trainer.Hub;

/// <summary>A repository that cannot be fetched. The message is for the user.</summary>
public sealed class HubException : UserException
{
    public HubException(string message) : base(message) { }

    public HubException(string message, Exception inner) : base(message, inner) { }
}
