using System.Threading.RateLimiting;
using Vlm.Cryptogram;
using Vlm.Edge.Answers;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;
using Vlm.Engine;
using Vlm.Gating;
using Vlm.Hosting.Http;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Edge.Queries;

/// <summary>What the model on this box made of a question.</summary>
/// <param name="Text">Its answer; null when its reply cannot be read.</param>
/// <param name="Assessment">The gate's judgement; null without a gate.</param>
/// <param name="HardFailures">Rules that no right answer breaks and this one does, also without a gate.</param>
/// <param name="Scene">What the picture shows.</param>
/// <param name="Tokens">Of the prompt and of the reply.</param>
/// <param name="Timings">Up to the gate.</param>
internal sealed record LocalAnswer(
    string? Text, Assessment? Assessment, IReadOnlyList<Verifier> HardFailures, Scene Scene, (int Prompt, int Reply)? Tokens, AnswerTimings Timings)
{
    /// <summary>What the picture lets the model say; null when its reply cannot be read.</summary>
    public AnswerStatus? Status { get; init; }

    /// <summary>The letters of the code that the picture does not show.</summary>
    public IReadOnlyList<char> Unseen { get; init; } = [];

    /// <summary>What is wrong with the picture's file though all of it could be read.</summary>
    public string? Warning { get; init; }

    /// <summary>Whether the sheet was found and cut out of the picture before it was read.</summary>
    public bool IsCutOut { get; init; }
}

/// <summary>What came of a question to the local model.</summary>
internal abstract record LocalOutcome
{
    private LocalOutcome()
    {
    }

    public sealed record Solved(LocalAnswer Answer) : LocalOutcome;

    /// <summary>The same was answered before.</summary>
    public sealed record Known(Answer Answer, AnswerTimings Timings) : LocalOutcome;

    public sealed record Refused(RefusalReason Reason, string Detail) : LocalOutcome
    {
        /// <summary>When it is worth trying again; null when nobody can say.</summary>
        public TimeSpan? RetryAfter { get; init; }
    }
}

/// <summary>The one owner of the solver: questions take turns at it in the order in which they came, and a bounded number of them waits.</summary>
/// <remarks>
/// Pictures are looked at before their turn, so that what was answered before is answered again without one. A question whose client has gone, or whose
/// deadline has passed, leaves the queue, and is given up between two tokens once begun; one whose turn would come too late is refused at once. Thread-safe.
/// Disposes the solver.
/// </remarks>
internal sealed class LocalModel : IAsyncDisposable
{
    private readonly Solver _solver;
    private readonly TimeProvider _clock;
    private readonly Alarms _alarms;
    private readonly ConcurrencyLimiter _turns;
    private readonly Looks _looks = new();
    private readonly ServiceRate _rate = new();
    private readonly CancellationTokenSource _stop = new();
    private bool _isDisposed;

    /// <param name="solver">The package, opened.</param>
    /// <param name="drift">Its gate, watched; null for a package without one.</param>
    /// <param name="places">Questions that may wait, at least 1.</param>
    /// <param name="clock">For the waiting time.</param>
    /// <param name="alarms">Hears when the engine fails.</param>
    public LocalModel(Solver solver, DriftMonitor? drift, int places, TimeProvider clock, Alarms alarms)
    {
        (_solver, Drift, _clock, _alarms) = (solver, drift, clock, alarms);
        Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(solver.Folder.Path)));
        solver.Moved = placement => alarms.Raise(AlarmKind.Provider, placement.ToString());
        _turns = new ConcurrencyLimiter(new ConcurrencyLimiterOptions
        {
            PermitLimit = 1,
            QueueLimit = places,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        });
    }

    /// <summary>Name of the package.</summary>
    public string Name { get; }

    /// <summary>How its weights are stored.</summary>
    public string Precision => _solver.Folder.Manifest.Precision;

    /// <summary>Where it runs, and why there.</summary>
    public Placement Placement => _solver.Placement;

    /// <summary>Its gate, watched; null for a package without one.</summary>
    public DriftMonitor? Drift { get; }

    /// <summary>Questions that wait now.</summary>
    public int Waiting => (int)_turns.GetStatistics()!.CurrentQueuedCount;

    /// <summary>Looks at the picture, without a turn.</summary>
    /// <param name="query">The question.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>What it shows, to be disposed; or why that is not known.</returns>
    public async Task<(Look? Look, LocalOutcome.Refused? Refusal)> LookAsync(Query query, CancellationToken cancellation)
    {
        try
        {
            return (await _looks.LookAsync(query.Picture, _clock, cancellation), null);
        }
#pragma warning disable CA1031 // Whatever goes wrong with one question, the next one must still be answered.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return (null, Refuse(e));
        }
    }

    /// <summary>Waits for a turn.</summary>
    /// <param name="query">The question.</param>
    /// <param name="look">Its picture, looked at.</param>
    /// <param name="cancellation">Ends the waiting and the work of the turn.</param>
    /// <returns>The turn, to be disposed at once when it is over; or why there is none.</returns>
    public async Task<(Turn? Turn, LocalOutcome.Refused? Refusal)> TakeTurnAsync(Query query, Look look, CancellationToken cancellation)
    {
        if (TooLate(query) is { } late) return (null, late);
        var queued = _clock.GetTimestamp();
        var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stop.Token);
        RateLimitLease? place = null;
        try
        {
            place = await _turns.AcquireAsync(1, ended.Token);
            if (place.IsAcquired)
            {
                var waited = look.Timings with { Queue = look.Timings.Queue + _clock.GetElapsedTime(queued) };
                return (new Turn(this, query, look with { Timings = waited }, place, ended), null);
            }
            ended.Dispose();
            return (null, new LocalOutcome.Refused(RefusalReason.Busy, "all places for waiting questions are taken; ask again later")
            {
                RetryAfter = _rate.RetryAfter(Waiting),
            });
        }
#pragma warning disable CA1031 // As above.
        catch (Exception e)
#pragma warning restore CA1031
        {
            place?.Dispose();
            ended.Dispose();
            return (null, Refuse(e));
        }
    }

    /// <summary>Ends the turn under way, waits until it is over, and frees the model.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, true)) return;
        await _stop.CancelAsync();
        using (await _turns.AcquireAsync(1)) _solver.Dispose();
        _turns.Dispose();
        _looks.Dispose();
        _stop.Dispose();
    }

    /// <summary>Judged by the questions before it alone: with none before it, it is tried, however long the last ones took.</summary>
    private LocalOutcome.Refused? TooLate(Query query)
    {
        var statistics = _turns.GetStatistics()!;
        var ahead = (int)statistics.CurrentQueuedCount + (statistics.CurrentAvailablePermits == 0 ? 1 : 0);
        var (wait, left) = (_rate.Wait(ahead), query.Deadline.Left);
        return ahead == 0 || wait <= left ? null : new LocalOutcome.Refused(RefusalReason.DeadlineTooShort,
            $"{ahead} questions are before this one, about {wait.TotalSeconds:F1} s, and {Math.Max(0, left.TotalSeconds):F1} s are left of its deadline")
        {
            RetryAfter = _rate.RetryAfter(ahead),
        };
    }

    private LocalAnswer Solve(Query query, Look look, CancellationToken ended)
    {
        var (picture, timings) = _looks.Pixels(query.Picture, look, _clock);
        var question = new Question(picture, query.Code, timings.DecodePicture);
        var solution = _solver.Solve(question, cancellation: ended);
        var started = _clock.GetTimestamp();
        var assessment = Drift?.Gate.Assess(solution);
        var failures = assessment?.HardFailures ?? Verifiers.Check(solution.Reply, question.Code).HardFailures;
        return new LocalAnswer(
            solution.Answer, assessment, failures, look.Scene, (solution.PromptTokens, solution.Generation.Choices.Count), timings with
            {
                FindSheet = solution.Timings.Finding,
                Patches = solution.Timings.Patches,
                Vision = solution.Timings.Vision,
                Prefill = solution.Timings.Prefill,
                Decode = solution.Timings.Decode,
                Gate = _clock.GetElapsedTime(started),
            })
        {
            Status = solution.Status,
            Unseen = solution.Unseen,
            Warning = look.Warning,
            IsCutOut = solution.Sheet?.Sheet is not null,
        };
    }

    private LocalOutcome.Refused Refuse(Exception e)
    {
        switch (e)
        {
            case PictureException: return new LocalOutcome.Refused(RefusalReason.Picture, e.Message);
            case PromptTooLongException: return new LocalOutcome.Refused(RefusalReason.CodeTooLong, e.Message);
            case OperationCanceledException: return new LocalOutcome.Refused(RefusalReason.Cancelled, "the question was given up before it was answered");
            default:
                _alarms.Raise(AlarmKind.Model, $"The model failed on a question: {e.Message}", e);
                return new LocalOutcome.Refused(RefusalReason.ModelFailed, "the model failed on this question; the log of the box says how");
        }
    }

    /// <summary>One question's turn: until it is disposed, nobody else uses the model.</summary>
    internal sealed class Turn(LocalModel model, Query query, Look look, RateLimitLease place, CancellationTokenSource ended) : IDisposable
    {
        /// <summary>Up to the beginning of the turn.</summary>
        public AnswerTimings Timings => look.Timings;

        /// <summary>Asks the model.</summary>
        public async Task<LocalOutcome> SolveAsync()
        {
            var started = model._clock.GetTimestamp();
            try
            {
                var answer = await Task.Run(() => model.Solve(query, look, ended.Token), ended.Token);
                model._rate.Observe(1, model._clock.GetElapsedTime(started));
                model._alarms.Clear(AlarmKind.Model);
                return new LocalOutcome.Solved(answer);
            }
#pragma warning disable CA1031 // As above.
            catch (Exception e)
#pragma warning restore CA1031
            {
                return model.Refuse(e);
            }
        }

        public void Dispose()
        {
            place.Dispose();
            ended.Dispose();
        }
    }
}
