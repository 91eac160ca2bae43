using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Vlm.Edge.Escalations;

/// <summary>What the worker needs besides queue and client.</summary>
/// <param name="Options">How to drain.</param>
/// <param name="Completed">
/// Takes every escalation that came to its end. Called before the entry goes: after a kill it may be called again for the same id.
/// </param>
/// <param name="Time">Clock.</param>
/// <param name="Random">Draws from [0, 1).</param>
/// <param name="Log">Log.</param>
/// <param name="Payment">Pays for every call; null when calls are free.</param>
internal sealed record WorkerSurroundings(
    WorkerOptions Options,
    Func<EscalationCompleted, ValueTask> Completed,
    TimeProvider Time,
    Func<double> Random,
    ILogger<EscalationWorker> Log,
    Payment? Payment = null);

/// <summary>The purse that waiting clients and the worker share.</summary>
/// <param name="Take">Pays in advance; null when it is paid, else how long to wait before asking again.</param>
/// <param name="Settle">Charges what a call cost beyond that.</param>
internal sealed record Payment(Func<Escalation, TimeSpan?> Take, Action<Escalation, EscalationResult> Settle);

/// <summary>
/// Sends what is queued, a few at a time. After a failure of the network or of the endpoints everything pauses, ever longer, with jitter; then one
/// escalation goes ahead alone, and only when it arrives do more follow: 1, 2, 4, … so that no outage ends in a storm.
/// </summary>
internal sealed class EscalationWorker(EscalationQueue queue, EscalationClient client, WorkerSurroundings around) : BackgroundService
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestWish = TimeSpan.FromHours(1);

    private readonly WorkerOptions _options = around.Options;
    private int _failures;
    private int _width = around.Options.Parallel;

    /// <summary>What became of one escalation, for the pace of the next.</summary>
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
                await Round(stoppingToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // The disk fails; the box goes on answering, and what is queued stays.
                around.Log.LogError(error, "The queue cannot be worked on");
                await Pause(null, stoppingToken).ConfigureAwait(false);
            }
        }
    }

    private async Task Round(CancellationToken stopping)
    {
        // After a failure the endpoint is asked whether it is well before a picture is sent.
        if (_failures > 0 && !await client.IsAnyWell(stopping).ConfigureAwait(false))
        {
            await Pause(null, stopping).ConfigureAwait(false);
            return;
        }

        var batch = queue.Lease(_width);
        if (batch.Count == 0)
        {
            await queue.WaitForMore(Idle, stopping).ConfigureAwait(false);
            return;
        }

        var ends = await Task.WhenAll(batch.Select(queued => Send(queued, stopping))).ConfigureAwait(false);
        if (ends.Any(end => end.Pace == Pace.Pause))
        {
            await Pause(ends.Max(end => end.Wish), stopping).ConfigureAwait(false);
        }
        else if (ends.Any(end => end.Pace == Pace.Arrived))
        {
            _failures = 0;
            _width = Math.Min(_options.Parallel, _width * 2);
        }
    }

    /// <summary>A pause that doubles with every failure, from half to all of it; never shorter than the endpoint wishes, up to an hour.</summary>
    private async Task Pause(TimeSpan? wish, CancellationToken stopping)
    {
        _width = 1;
        var seconds = Math.Min(_options.LongestPauseSeconds, _options.PauseSeconds * Math.Pow(2, Math.Min(_failures, 20)));
        _failures++;
        var pause = TimeSpan.FromSeconds(seconds * (0.5 + (0.5 * around.Random())));
        if (wish is { } wished && wished > pause) pause = wished < LongestWish ? wished : LongestWish;
        around.Log.LogInformation("Escalations pause for {Seconds:F1} s after {Failures} failures in a row", pause.TotalSeconds, _failures);
        await Task.Delay(pause, around.Time, stopping).ConfigureAwait(false);
    }

    private async Task<(Pace Pace, TimeSpan? Wish)> Send(QueuedEscalation queued, CancellationToken stopping)
    {
        if (around.Payment?.Take(queued.Escalation) is { } wait)
        {
            queue.Release(queued.Escalation.Id, around.Time.GetUtcNow(), isItsFault: false);
            return (Pace.Pause, wait);
        }

        var result = await client.AskAsync(queued.Escalation, TimeSpan.FromSeconds(_options.DeadlineSeconds), stopping).ConfigureAwait(false);
        around.Payment?.Settle(queued.Escalation, result);
        if (result is EscalationResult.Answered)
        {
            await Complete(queued, result).ConfigureAwait(false);
            return (Pace.Arrived, null);
        }

        var failed = (EscalationResult.Failed)result;
        around.Log.LogInformation("Escalation {Id} failed: {Reason}, {Detail}", queued.Escalation.Id, failed.Reason, failed.Detail);
        return await Failed(queued, failed).ConfigureAwait(false);
    }

    private async Task<(Pace Pace, TimeSpan? Wish)> Failed(QueuedEscalation queued, EscalationResult.Failed failed)
    {
        var id = queued.Escalation.Id;
        var now = around.Time.GetUtcNow();
        switch (failed.Reason)
        {
            case EscalationFailure.Rejected when failed.Status is null or 401 or 403 or 404:
                // A wrong key or address is nothing that an escalation can help: it waits until somebody corrects it.
                around.Log.LogError("The endpoint turns the box away; check its address, model and key: {Detail}", failed.Detail);
                queue.Release(id, now, isItsFault: false);
                return (Pace.Pause, failed.RetryAfter);
            case EscalationFailure.Rejected or EscalationFailure.TooLarge or EscalationFailure.BadAnswer:
                await GiveUp(queued, failed).ConfigureAwait(false);
                return (Pace.Failed, null);
            case EscalationFailure.ServerError or EscalationFailure.Timeout when queued.Attempts + 1 >= _options.MaxAttempts:
                await GiveUp(queued, failed).ConfigureAwait(false);
                return (Pace.Pause, failed.RetryAfter);
            default:
                queue.Release(id, now, failed.Reason is EscalationFailure.ServerError or EscalationFailure.Timeout);
                return (Pace.Pause, failed.RetryAfter);
        }
    }

    private async Task Complete(QueuedEscalation queued, EscalationResult result)
    {
        await Tell(queued, result).ConfigureAwait(false);
        queue.Complete(queued.Escalation.Id);
    }

    private async Task GiveUp(QueuedEscalation queued, EscalationResult.Failed failed)
    {
        await Tell(queued, failed).ConfigureAwait(false);
        queue.Fail(queued.Escalation.Id, failed.Reason, failed.Detail);
    }

    private async Task Tell(QueuedEscalation queued, EscalationResult result)
    {
        try
        {
            await around.Completed(new EscalationCompleted(queued.Escalation, result)).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whoever listens must not stop the queue; the answer is in the log.
        catch (Exception error)
#pragma warning restore CA1031
        {
            around.Log.LogError(error, "The result of escalation {Id} could not be passed on: {Result}", queued.Escalation.Id, result);
        }
    }
}
