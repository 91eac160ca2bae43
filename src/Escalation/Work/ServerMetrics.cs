using Microsoft.AspNetCore.Builder;
using Prometheus;
using Vlm.Hosting.Http;

namespace Vlm.Escalation.Work;

/// <summary>What <c>/metrics</c> shows: the only file that knows the metrics package. Safe to use from any thread.</summary>
internal sealed class ServerMetrics : IRefusalCounter
{
    private const string Answered = "answered";
    private const string Cut = "cut";
    private const string Disconnected = "disconnected";

    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly Counter _requests;
    private readonly Counter _tokens;
    private readonly Counter _leantOnWords;
    private readonly Gauge _waiting;
    private readonly Gauge _ready;
    private readonly Gauge _fellBack;
    private readonly Histogram _wait;
    private readonly Histogram _batch;
    private readonly Histogram _latency;

    public ServerMetrics()
    {
        var factory = Metrics.WithCustomRegistry(_registry);
        // 10 ms to 82 s, doubling.
        var seconds = Histogram.ExponentialBuckets(0.01, 2, 14);
        _requests = factory.CreateCounter("escalation_requests_total", "Requests by how they ended.", "outcome");
        _tokens = factory.CreateCounter("escalation_tokens_total", "Tokens of answered requests.", "kind");
        _leantOnWords = factory.CreateCounter("escalation_leant_on_words_total",
            "Answers in which the word list had a say, because looks at the picture left letters unsure.");
        _waiting = factory.CreateGauge("escalation_queue_length", "Requests that wait for the model.");
        _ready = factory.CreateGauge("escalation_ready", "1 when the model is loaded and warm, else 0.");
        _fellBack = factory.CreateGauge("escalation_provider_fell_back",
            "1 while the processor stands in for a provider that could not be had or has failed.");
        _wait = factory.CreateHistogram("escalation_queue_wait_seconds", "Time from a request's arrival to its batch.",
            new HistogramConfiguration { Buckets = seconds });
        _batch = factory.CreateHistogram("escalation_batch_size", "Questions answered together.",
            new HistogramConfiguration { Buckets = [1, 2, 4, 8, 16, 32, 64] });
        _latency = factory.CreateHistogram("escalation_latency_seconds", "Time from a request's arrival to the end of its answer.",
            new HistogramConfiguration { Buckets = seconds });
        foreach (var reason in Enum.GetValues<ErrorReason>()) _requests.WithLabels(reason.Shape().Code);
        foreach (var outcome in (string[])[Answered, Cut, Disconnected]) _requests.WithLabels(outcome);
    }

    public void CountRefused(ErrorReason reason) => Count(reason.Shape().Code);

    public void CountDisconnected() => Count(Disconnected);

    public void Waiting(int count) => _waiting.Set(count);

    public void Ready(bool isReady) => _ready.Set(isReady ? 1 : 0);

    public void FellBack() => _fellBack.Set(1);

    public void Started(TimeSpan wait) => _wait.Observe(wait.TotalSeconds);

    public void LeantOnWords() => _leantOnWords.Inc();

    public void Batch(int size) => _batch.Observe(size);

    /// <summary>An answer that was delivered whole.</summary>
    public void Delivered(int promptTokens, int completionTokens, bool isCut, TimeSpan latency)
    {
        Count(isCut ? Cut : Answered);
        _tokens.WithLabels("prompt").Inc(promptTokens);
        _tokens.WithLabels("completion").Inc(completionTokens);
        _latency.Observe(latency.TotalSeconds);
    }

    /// <summary>Adds the page.</summary>
    public void Map(WebApplication app) => app.MapMetrics("/metrics", _registry);

    private void Count(string outcome) => _requests.WithLabels(outcome).Inc();
}
