using Vlm.Escalation.Work;
using Vlm.Hosting.Http;

namespace Vlm.Escalation.Chat;

/// <summary>
/// Remembers which job belongs to a caller's <c>Idempotency-Key</c> (IETF draft-ietf-httpapi-idempotency-key-header): a repeated request joins the job in
/// flight
/// or gets the finished answer; the same key with another body is refused. Failures are not remembered, so a retry is a new try.
/// Bounded: jobs in flight hold a place of the queue, finished ones are the newest <see cref="IdempotencyOptions.Entries"/>.
/// </summary>
internal sealed class IdempotencyMemory(IdempotencyOptions options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Caller, string Key), Entry> _entries = [];

    /// <summary>Entries held now.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _entries.Count;
        }
    }

    /// <summary>The job for a key, joined: a remembered one, or one that <paramref name="start"/> makes.</summary>
    /// <param name="id">Caller and key.</param>
    /// <param name="body">Hash of the request's body.</param>
    /// <param name="start">Makes the job when there is none.</param>
    /// <exception cref="ApiException">The key belongs to another body.</exception>
    public SolveJob Join((string Caller, string Key) id, byte[] body, Func<SolveJob> start)
    {
        lock (_gate)
        {
            Forget();
            if (_entries.TryGetValue(id, out var entry))
            {
                if (!entry.Body.AsSpan().SequenceEqual(body))
                {
                    throw new ApiException(ErrorReason.IdempotencyKeyReused,
                        "This Idempotency-Key came with another body before. Use a new key for a new request.");
                }
                if (!HasFailed(entry.Job) && entry.Job.TryJoin()) return entry.Job;
            }
            var job = start();
            if (!job.TryJoin()) throw new InvalidOperationException("A new job is joined by the one who made it.");
            _entries[id] = new Entry(body, job, time.GetTimestamp());
            return job;
        }
    }

    private static bool HasFailed(SolveJob job) => job.Answer.IsFaulted || job.Answer.IsCanceled;

    /// <summary>Drops what failed, what is too old, and the oldest of what is too many.</summary>
    private void Forget()
    {
        var kept = TimeSpan.FromMinutes(options.Minutes);
        foreach (var (id, entry) in _entries)
        {
            if (HasFailed(entry.Job) || entry.Job.Answer.IsCompleted && time.GetElapsedTime(entry.Since) > kept) _entries.Remove(id);
        }
        var finished = _entries.Where(entry => entry.Value.Job.Answer.IsCompleted).ToArray();
        foreach (var (id, _) in finished.OrderBy(entry => entry.Value.Since).Take(finished.Length - options.Entries)) _entries.Remove(id);
    }

    private sealed record Entry(byte[] Body, SolveJob Job, long Since);
}
