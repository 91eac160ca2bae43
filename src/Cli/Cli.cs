using System.CommandLine;

namespace Vlm.CommandLine;

/// <summary>What a process says when it ends.</summary>
public static class ExitCode
{
    public const int Success = 0;

    /// <summary>Something that was asked for could not be done.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the configuration cannot be understood.</summary>
    public const int WrongUsage = 2;

    /// <summary>Stopped by Ctrl+C or SIGTERM, as shells report it.</summary>
    public const int Interrupted = 130;
}

/// <summary>The command line of a program: runs a verb, and turns what went wrong into one line on the error stream and an exit code.</summary>
/// <remarks>A defect of the program is not caught: it ends the process with its stack trace.</remarks>
public static class Cli
{
    /// <summary>How long a verb may take to end after Ctrl+C or SIGTERM, where a program says nothing else.</summary>
    public static readonly TimeSpan UsualGrace = TimeSpan.FromSeconds(2);

    /// <summary>Runs the verb that the arguments ask for.</summary>
    /// <param name="root">The program's verbs.</param>
    /// <param name="args">The arguments as the process got them.</param>
    /// <param name="grace">How long a verb may take to end after a signal, which cancels its token; null leaves signals to the program, such as a host.</param>
    /// <param name="errors">Where errors go; by default the error stream.</param>
    /// <returns>One of <see cref="ExitCode"/>, or what the verb returned.</returns>
    public static async Task<int> RunAsync(RootCommand root, IReadOnlyList<string> args, TimeSpan? grace, TextWriter? errors = null)
    {
        ArgumentNullException.ThrowIfNull(root);
        errors ??= Console.Error;
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors) await errors.WriteLineAsync($"error: {error.Message}");
            await errors.WriteLineAsync("See --help.");
            return ExitCode.WrongUsage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = grace });
        }
        catch (Exception e) when (AsUsersError(e) is { } error)
        {
            await errors.WriteLineAsync($"error: {error.Message}");
            return error is UsageException ? ExitCode.WrongUsage : ExitCode.Failed;
        }
        catch (OperationCanceledException e)
        {
            await errors.WriteLineAsync(e is StoppedException ? e.Message : "Interrupted.");
            return ExitCode.Interrupted;
        }
    }

    /// <summary>The error that a person can put right, in what was thrown; null for defects of the program and for cancellation.</summary>
    public static Exception? AsUsersError(Exception thrown) => thrown switch
    {
        UserException or IOException or InvalidDataException or UnauthorizedAccessException => thrown,
        // One of several things that were done at the same time.
        AggregateException { InnerException: { } inner } => AsUsersError(inner),
        _ => null,
    };
}
