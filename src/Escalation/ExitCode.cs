namespace Vlm.Escalation;

/// <summary>What the process says when it ends.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>Something that was asked for could not be done.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the configuration cannot be understood.</summary>
    public const int WrongUsage = 2;
}
