using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Vlm.Text;

namespace Vlm.Edge.Escalations;

/// <summary>
/// Sends what is queued, a few at a time. After a failure of the network or of the endpoints everything pauses, ever longer, with jitter; then one
/// escalation goes ahead alone, and only when it arrives do more follow: 1, 2, 4, … so that no outage ends in a storm.
/// </summary>
/// <param name="options">How to drain.</param>
/// <param name="queue">What is queued.</param>
/// <param name="client">Pays and asks.</param>
/// <param name="completed">
/// Takes every escalation that came to its end. Called before the entry goes: after a kill it may be called again for the same id.
/// </param>
/// <param name="instruments">Clock, jitter and log.</param>
internal sealed class EscalationWorker(
    WorkerOptions options, EscalationQueue queue, PaidClient client, Action<EscalationCompleted> completed, Instruments instruments) : BackgroundService
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(30);

    private readonly TimeProvider _time = instruments.Time;
    private readonly ILogger _log = instruments.Logs.CreateLogger<EscalationWorker>();
    private int _failures;
    private int _width = options.Parallel;

    /// <summary>How one escalation went, for the pace of the next.</summary>
    private enum Pace
    {
        /// <summary>The endpoint works.</summary>
        Arrived,

        /// <summary>This one failed, which says little about the next.</summary>
        Failed,

        /// <summary>Nothing would arrive now.</summary>
        Pause,
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await SendSomeAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // The disk fails; the box goes on answering, and what is queued stays.
                _log.QueueUnusable(error);
                await PauseAsync(null, stoppingToken);
            }
        }
    }

    private async Task SendSomeAsync(CancellationToken stopping)
    {
        // After a failure the endpoint is asked whether it is well before a picture is sent.
        if (_failures > 0 && !await client.IsAnyWellAsync(stopping))
        {
            await PauseAsync(null, stopping);
            return;
        }

        var batch = queue.Lease(_width);
        if (batch.Count == 0)
        {
            await queue.WaitForMoreAsync(Idle, stopping);
            return;
        }

        var ends = await Task.WhenAll(batch.Select(queued => SendAsync(queued, stopping)));
        if (ends.Any(end => end.Pace == Pace.Pause))
        {
            await PauseAsync(ends.Max(end => end.Asked), stopping);
        }
        else if (ends.Any(end => end.Pace == Pace.Arrived))
        {
            _failures = 0;
            _width = Math.Min(options.Parallel, _width * 2);
        }
    }

    /// <summary>
    /// A pause that doubles with every failure, from half to all of it; as long as the endpoint asks for, up to the longest one. It ends early when a waiting
    /// client
    /// gets an answer: then the endpoint works again, whatever it asked for.
    /// </summary>
    private async Task PauseAsync(TimeSpan? asked, CancellationToken stopping)
    {
        _width = 1;
        var answered = client.NextAnswer;
        var seconds = Math.Min(options.LongestPauseSeconds, options.PauseSeconds * Math.Pow(2, Math.Min(_failures, 20)));
        _failures++;
        var pause = TimeSpan.FromSeconds(seconds * (0.5 + (0.5 * instruments.Random())));
        var longest = TimeSpan.FromSeconds(options.LongestPauseSeconds);
        if (asked is { } wait && wait > pause) pause = wait < longest ? wait : longest;
        _log.Pauses(pause.TotalSeconds, _failures);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        await Task.WhenAny(answered, Task.Delay(pause, _time, over.Token));
        await over.CancelAsync();
        stopping.ThrowIfCancellationRequested();
    }

    private async Task<(Pace Pace, TimeSpan? Asked)> SendAsync(QueuedEscalation queued, CancellationToken stopping)
    {
        var result = await client.AskAsync(queued.Escalation, TimeSpan.FromSeconds(options.DeadlineSeconds), stopping);
        if (result is EscalationResult.Failed failed) return Fail(queued, failed);
        Tell(queued, result);
        queue.Complete(queued.Escalation.Id);
        return (Pace.Arrived, null);
    }

    private (Pace Pace, TimeSpan? Asked) Fail(QueuedEscalation queued, EscalationResult.Failed failed)
    {
        var id = queued.Escalation.Id;
        if (failed.Reason != EscalationFailure.Budget) _log.Failed(id, failed.Reason.ToLabel(), failed.Detail);
        switch (failed.Reason)
        {
            case EscalationFailure.Rejected when failed.IsTurnedAway:
                // A wrong key or address is nothing that an escalation can help: it waits until somebody corrects it.
                queue.Release(id, isItsFault: false);
                return (Pace.Pause, failed.RetryAfter);
            case EscalationFailure.Rejected or EscalationFailure.TooLarge or EscalationFailure.BadAnswer:
                GiveUp(queued, failed);
                return (Pace.Failed, null);
            case EscalationFailure.ServerError or EscalationFailure.Timeout when queued.Attempts + 1 >= options.MaxAttempts:
                GiveUp(queued, failed);
                return (Pace.Pause, failed.RetryAfter);
            default:
                queue.Release(id, failed.Reason is EscalationFailure.ServerError or EscalationFailure.Timeout);
                return (Pace.Pause, failed.RetryAfter);
        }
    }

    private void GiveUp(QueuedEscalation queued, EscalationResult.Failed failed)
    {
        Tell(queued, failed);
        queue.Fail(queued.Escalation.Id, failed.Reason, failed.Detail);
    }

    private void Tell(QueuedEscalation queued, EscalationResult result)
    {
        try
        {
            completed(new EscalationCompleted(queued.Escalation, result, _time.GetUtcNow()));
        }
#pragma warning disable CA1031 // A listener must not stop the queue; the answer is in the log.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _log.NotPassedOn(error, queued.Escalation.Id, result);
        }
    }
}
