using System.Threading.Channels;
using Vlm.Engine;
using Vlm.Hosting.Chat;
using Vlm.Hosting.Http;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Escalation.Work;

/// <summary>
/// A question on its way through the queue and the worker, and those who wait for its answer: several when a request was repeated with the same
/// idempotency key. When the last of them leaves, the work stops.
/// </summary>
#pragma warning disable CA1001 // The token source has no timer and no handle: there is nothing to free, and several may still look at it.
internal sealed class SolveJob
#pragma warning restore CA1001
{
    private readonly string _code;
    private readonly ChatSettings _settings;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<Answer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    // No more than the tokens of one reply, which the model's limit bounds.
    private readonly Channel<AnswerToken> _tokens =
        Channel.CreateUnbounded<AnswerToken>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly Lock _gate = new();
    private byte[]? _picture;
    private int _waiters;
    private bool _isStreamTaken;

    public SolveJob(ChatRequest request, TimeProvider time)
    {
        // Not the request itself: the answer may be remembered for minutes, and the picture must not be.
        (_code, _settings, _picture, Created, Arrived) = (request.Code, request.Settings, request.Picture, time.GetUtcNow(), time.GetTimestamp());
        // Nobody may be left to look at a failure.
        _ = _answer.Task.ContinueWith(static task => _ = task.Exception, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously);
    }

    public string Id { get; } = "chatcmpl-" + Guid.NewGuid().ToString("N");

    public DateTimeOffset Created { get; }

    /// <summary>Timestamp of its arrival.</summary>
    public long Arrived { get; }

    /// <summary>The end of the work: an answer, or an <see cref="ApiException"/>, or nobody wanted it any more.</summary>
    public Task<Answer> Answer => _answer.Task;

    /// <summary>Says that nobody waits any more.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Joins those who wait. False when the last of them has just gone: then it needs a job of its own.</summary>
    public bool TryJoin()
    {
        lock (_gate)
        {
            if (_stop.IsCancellationRequested) return false;
            _waiters++;
            return true;
        }
    }

    /// <summary>Leaves. The last one to leave an unfinished job stops it.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (--_waiters > 0 || Answer.IsCompleted) return;
        }
        _stop.Cancel();
        _answer.TrySetCanceled();
        _tokens.Writer.TryComplete();
    }

    /// <summary>The tokens as they are taken. Only one gets them; null for everybody else, who waits for the answer.</summary>
    public ChannelReader<AnswerToken>? TakeStream()
    {
        lock (_gate)
        {
            if (_isStreamTaken) return null;
            _isStreamTaken = true;
            return _tokens.Reader;
        }
    }

    /// <summary>Decodes the picture and lets go of its file.</summary>
    /// <exception cref="PictureException">It cannot be decoded.</exception>
    public SolveRequest ToRequest(IModel model)
    {
        var picture = ImageCodec.Read(Interlocked.Exchange(ref _picture, null)).Image;
        return new SolveRequest(new Question(picture, _code), new SolveOptions
        {
            Sampling = _settings.Sampling,
            MaxTokens = _settings.MaxTokens,
            Alternatives = _settings.TopLogprobs,
            Stop = Stop,
            OnToken = _settings.IsStream ? (choice, alternatives) => Write(model, choice, alternatives) : null,
        });
    }

    public void Complete(Answer answer)
    {
        _answer.TrySetResult(answer);
        _tokens.Writer.TryComplete();
    }

    public void Fail(ApiException error)
    {
        _answer.TrySetException(error);
        _tokens.Writer.TryComplete();
    }

    private void Write(IModel model, Choice choice, IReadOnlyList<TokenProbability> alternatives)
    {
        if (!model.IsStop(choice.Token)) _tokens.Writer.TryWrite(Answers.Token(model, choice, alternatives));
    }
}
