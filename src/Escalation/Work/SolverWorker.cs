using System.Diagnostics;
using Vlm.Engine;
using Vlm.Hosting.Http;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Escalation.Work;

/// <summary>The one owner of the model: loads and warms it, then answers batch after batch.</summary>
internal sealed class SolverWorker(Func<IModel> open, ModelSlot slot, SolveQueue queue, Instruments instruments, IHostApplicationLifetime lifetime)
    : BackgroundService
{
    private const int WarmUpSide = 224;

    private readonly ServerMetrics _metrics = instruments.Metrics;
    private readonly TimeProvider _time = instruments.Time;
    private readonly ILogger _log = instruments.Logs.CreateLogger<SolverWorker>();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // A model that cannot be loaded ends the program; to end well, it must have started.
        await StartedAsync(stoppingToken);
        using var model = Load(stoppingToken);
        if (model is null) return;
        // Ends with the program.
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                Answer(model, await queue.TakeAsync(stoppingToken), stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task StartedAsync(CancellationToken cancellation)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = lifetime.ApplicationStarted.Register(() => started.TrySetResult());
        await started.Task.WaitAsync(cancellation);
    }

    private IModel? Load(CancellationToken cancellation)
    {
        var start = _time.GetTimestamp();
        IModel? model = null;
        try
        {
            model = open();
            model.Moved = Fall;
            _log.RunsOn(model.Placement.ToString().TrimEnd('.'));
            // The first run of a graph allocates what later ones use again: nobody's request should wait for that.
            var white = new byte[WarmUpSide * WarmUpSide * 3];
            Array.Fill(white, byte.MaxValue);
            model.Solve([new SolveRequest(new Question(new RgbImage(WarmUpSide, WarmUpSide, white), "a"), new SolveOptions { MaxTokens = 2 })], cancellation);
        }
        catch (Exception e)
        {
            model?.Dispose();
            if (e is OperationCanceledException) return null;
            slot.Fail(e.Message);
            _log.ModelUnusable(e.Message);
            lifetime.StopApplication();
            return null;
        }
        if (model.Placement.IsFallback) _metrics.FellBack();
        slot.Fill(model);
        _metrics.Ready(true);
        _log.Ready(slot.Name, slot.Folder, _time.GetElapsedTime(start).TotalMilliseconds);
        return model;
    }

    private void Fall(Placement placement)
    {
        _log.ProviderFailed(placement.ToString().TrimEnd('.'));
        _metrics.FellBack();
    }

    private void Answer(IModel model, IReadOnlyList<SolveJob> jobs, CancellationToken cancellation)
    {
        var rows = new List<(SolveJob Job, SolveRequest Request)>(jobs.Count);
        var start = Stopwatch.GetTimestamp();
        foreach (var job in jobs)
        {
            if (job.Stop.IsCancellationRequested) continue;
            _metrics.Started(_time.GetElapsedTime(job.Arrived));
            try
            {
                rows.Add((job, job.ToRequest(model)));
            }
            catch (PictureException e)
            {
                job.Fail(new ApiException(ErrorReason.UnusablePicture, e.Message, "messages"));
            }
        }
        if (rows.Count == 0) return;
        _metrics.Batch(rows.Count);
        Solve(model, rows, cancellation);
        queue.Rate.Observe(rows.Count, Stopwatch.GetElapsedTime(start));
    }

    private void Solve(IModel model, List<(SolveJob Job, SolveRequest Request)> rows, CancellationToken cancellation)
    {
        try
        {
            var solutions = model.Solve([.. rows.Select(row => row.Request)], cancellation);
            foreach (var ((job, _), solution) in rows.Zip(solutions))
            {
                // Who has been stopped has nobody who waits.
                if (solution.Generation.Finish == FinishReason.Cancelled) continue;
                if (solution.Generation.Reading.LeantOnWords) _metrics.LeantOnWords();
                job.Complete(Answers.Of(model, job, solution));
            }
        }
        catch (Exception e) when (e is PictureException or PromptTooLongException && rows.Count > 1)
        {
            // One of them cannot be answered, and no token of any was taken yet: each alone, so that it fails alone.
            foreach (var row in rows) Solve(model, [row], cancellation);
        }
        catch (PictureException e)
        {
            rows[0].Job.Fail(new ApiException(ErrorReason.UnusablePicture, e.Message, "messages"));
        }
        catch (PromptTooLongException e)
        {
            rows[0].Job.Fail(new ApiException(ErrorReason.InvalidRequest, e.Message, "messages"));
        }
        catch (OperationCanceledException)
        {
            var ended = new ApiException(ErrorReason.ShuttingDown, "The server ended before the answer was there. Ask again.",
                retryAfter: TimeSpan.FromSeconds(5));
            foreach (var (job, _) in rows) job.Fail(ended);
        }
        catch (Exception e)
        {
            // Whatever it was, the next batch gets its chance; the metric and the log tell the operator.
            _log.BatchFailed(e, rows.Count);
            foreach (var (job, _) in rows) job.Fail(new ApiException(ErrorReason.Internal, "The model failed. The server's log says why."));
        }
    }
}
