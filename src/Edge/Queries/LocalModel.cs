using System.Threading.Channels;
using Vlm.Cryptogram;
using Vlm.Edge.Routing;
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
    string? Text, Assessment? Assessment, IReadOnlyList<Verifier> HardFailures, Scene Scene, (int Prompt, int Reply)? Tokens, AnswerTimings Timings);

/// <summary>What came out of the model's queue.</summary>
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

/// <summary>The one owner of the solver: questions wait in a bounded channel and are answered one after the other.</summary>
/// <remarks>
/// Pictures are decoded here and not before, so that at most one is in memory as pixels, however many clients wait. A question whose client has gone, or whose
/// deadline has passed, is not begun, and given up between two tokens once begun. Thread-safe. Disposes the solver.
/// </remarks>
internal sealed class LocalModel : IAsyncDisposable
{
    private readonly Solver _solver;
    private readonly Gate? _gate;
    private readonly TimeProvider _clock;
    private readonly Action<Exception> _onFailure;
    private readonly Channel<Work> _waiting;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <param name="solver">The package, opened.</param>
    /// <param name="gate">Its gate, if it has one.</param>
    /// <param name="places">Questions that may wait, at least 1.</param>
    /// <param name="clock">For the waiting time.</param>
    /// <param name="onFailure">Told when the engine fails.</param>
    public LocalModel(Solver solver, Gate? gate, int places, TimeProvider clock, Action<Exception> onFailure)
    {
        (_solver, _gate, _clock, _onFailure) = (solver, gate, clock, onFailure);
        _waiting = Channel.CreateBounded<Work>(new BoundedChannelOptions(places) { SingleReader = true });
        _loop = Task.Factory.StartNew(Loop, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
    }

    /// <summary>Questions that wait now.</summary>
    public int Waiting => _waiting.Reader.Count;

    /// <param name="query">The question.</param>
    /// <param name="find">Looks for an answer to the same question; called with the scene and the code.</param>
    /// <param name="cancellation">Ends the waiting and the work.</param>
    public async Task<LocalOutcome> AnswerAsync(Query query, Func<Scene, string, Answer?> find, CancellationToken cancellation)
    {
        var work = new Work(query, find, _clock.GetTimestamp(), cancellation);
        if (!_waiting.Writer.TryWrite(work)) return new LocalOutcome.Refused(RefusalReason.Busy, "as many questions wait as may; ask again later");
        // The place in the queue stays taken until its turn comes, but nobody waits for it.
        await using var gone = cancellation.Register(() => work.Done.TrySetResult(Ended()));
        return await work.Done.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
        _solver.Dispose();
    }

    private async Task Loop()
    {
        await foreach (var work in _waiting.Reader.ReadAllAsync())
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(work.Cancellation, _stop.Token);
            work.Done.TrySetResult(ended.IsCancellationRequested ? Ended() : Answer(work, ended.Token));
        }
    }

    private LocalOutcome Answer(Work work, CancellationToken ended)
    {
        var timings = new AnswerTimings { Queue = _clock.GetElapsedTime(work.Queued) };
        try
        {
            var started = _clock.GetTimestamp();
            var picture = ImageCodec.Decode(work.Query.Picture);
            timings = timings with { DecodePicture = _clock.GetElapsedTime(started) };
            var scene = Scene.Of(picture);
            return work.Find(scene, work.Query.Code) is { } known
                ? new LocalOutcome.Known(known, timings)
                : Solve(new Question(picture, work.Query.Code, timings.DecodePicture), scene, timings, ended);
        }
        catch (PictureException e)
        {
            return new LocalOutcome.Refused(RefusalReason.Picture, e.Message);
        }
        catch (PromptTooLongException e)
        {
            return new LocalOutcome.Refused(RefusalReason.CodeTooLong, e.Message);
        }
        catch (OperationCanceledException)
        {
            return Ended();
        }
#pragma warning disable CA1031 // Whatever the engine throws about one question, the next one must still be answered.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _onFailure(e);
            return new LocalOutcome.Refused(RefusalReason.ModelFailed, "the model failed on this question; the log of the box says how");
        }
    }

    private LocalOutcome.Solved Solve(Question question, Scene scene, AnswerTimings timings, CancellationToken ended)
    {
        var solution = _solver.Solve(question, cancellation: ended);
        var started = _clock.GetTimestamp();
        var assessment = _gate?.Assess(solution);
        var failures = assessment?.HardFailures ?? Verifiers.Check(solution.Reply, question.Code).HardFailures;
        return new LocalOutcome.Solved(new LocalAnswer(
            solution.Answer, assessment, failures, scene, (solution.PromptTokens, solution.Generation.Choices.Count), timings with
            {
                Patches = solution.Timings.Patches,
                Vision = solution.Timings.Vision,
                Prefill = solution.Timings.Prefill,
                Decode = solution.Timings.Decode,
                Gate = _clock.GetElapsedTime(started),
            }));
    }

    private static LocalOutcome.Refused Ended() => new(RefusalReason.Cancelled, "the question was given up before it was answered");

    private sealed record Work(Query Query, Func<Scene, string, Answer?> Find, long Queued, CancellationToken Cancellation)
    {
        public TaskCompletionSource<LocalOutcome> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
