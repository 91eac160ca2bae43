using System.Threading.RateLimiting;
using Vlm.Cryptogram;
using Vlm.Edge.Answers;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;
using Vlm.Engine;
using Vlm.Gating;
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

    public sealed record Refused(RefusalReason Reason, string Detail) : LocalOutcome;
}

/// <summary>The one owner of the solver: questions take turns at it in the order in which they came, and a bounded number of them waits.</summary>
/// <remarks>
/// Pictures are decoded in a turn and not before, so that one is in memory as pixels, however many clients wait. A question whose client has gone, or whose
/// deadline has passed, leaves the queue, and is given up between two tokens once begun. Thread-safe. Disposes the solver.
/// </remarks>
internal sealed class LocalModel : IAsyncDisposable
{
    private readonly Solver _solver;
    private readonly TimeProvider _clock;
    private readonly Alarms _alarms;
    private readonly ConcurrencyLimiter _turns;
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

    /// <summary>Its gate, watched; null for a package without one.</summary>
    public DriftMonitor? Drift { get; }

    /// <summary>Questions that wait now.</summary>
    public int Waiting => (int)_turns.GetStatistics()!.CurrentQueuedCount;

    /// <summary>Waits for a turn and looks at the picture.</summary>
    /// <param name="query">The question.</param>
    /// <param name="cancellation">Ends the waiting and the work of the turn.</param>
    /// <returns>The turn, to be disposed at once when it is over; or why there is none.</returns>
    public async Task<(Turn? Turn, LocalOutcome.Refused? Refusal)> TakeTurnAsync(Query query, CancellationToken cancellation)
    {
        var queued = _clock.GetTimestamp();
        var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stop.Token);
        RateLimitLease? place = null;
        try
        {
            place = await _turns.AcquireAsync(1, ended.Token);
            if (place.IsAcquired) return (await Task.Run(() => Look(query, place, queued, ended), ended.Token), null);
            ended.Dispose();
            return (null, new LocalOutcome.Refused(RefusalReason.Busy, "all places for waiting questions are taken; ask again later"));
        }
#pragma warning disable CA1031 // Whatever goes wrong with one question, the next one must still be answered.
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
        _stop.Dispose();
    }

    private Turn Look(Query query, RateLimitLease place, long queued, CancellationTokenSource ended)
    {
        var timings = new AnswerTimings { Queue = _clock.GetElapsedTime(queued) };
        var started = _clock.GetTimestamp();
        var picture = ImageCodec.Read(query.Picture);
        timings = timings with { DecodePicture = _clock.GetElapsedTime(started) };
        return new Turn(this, new Question(picture.Image, query.Code, timings.DecodePicture), timings, place, ended) { Warning = picture.Warning };
    }

    private LocalAnswer Solve(Question question, Scene scene, AnswerTimings timings, CancellationToken ended)
    {
        var solution = _solver.Solve(question, cancellation: ended);
        var started = _clock.GetTimestamp();
        var assessment = Drift?.Gate.Assess(solution);
        var failures = assessment?.HardFailures ?? Verifiers.Check(solution.Reply, question.Code).HardFailures;
        return new LocalAnswer(
            solution.Answer, assessment, failures, scene, (solution.PromptTokens, solution.Generation.Choices.Count), timings with
            {
                Patches = solution.Timings.Patches,
                Vision = solution.Timings.Vision,
                Prefill = solution.Timings.Prefill,
                Decode = solution.Timings.Decode,
                Gate = _clock.GetElapsedTime(started),
            })
        {
            Status = solution.Status,
            Unseen = solution.Unseen,
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
    internal sealed class Turn(LocalModel model, Question question, AnswerTimings timings, RateLimitLease place, CancellationTokenSource ended) : IDisposable
    {
        /// <summary>What the picture shows.</summary>
        public Scene Scene { get; } = Scene.From(question.Picture);

        /// <summary>What is wrong with the picture's file though all of it could be read; null when nothing is.</summary>
        public string? Warning { get; init; }

        /// <summary>Up to the decoded picture.</summary>
        public AnswerTimings Timings => timings;

        /// <summary>Asks the model.</summary>
        public async Task<LocalOutcome> SolveAsync()
        {
            try
            {
                var answer = await Task.Run(() => model.Solve(question, Scene, timings, ended.Token), ended.Token);
                return new LocalOutcome.Solved(answer with { Warning = Warning });
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
