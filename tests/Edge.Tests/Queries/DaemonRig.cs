using Microsoft.Extensions.Logging.Abstractions;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;
using Vlm.Edge.Tests.Api;
using Vlm.Solving;

namespace Vlm.Edge.Tests.Queries;

/// <summary>The daemon without HTTP and without its worker: what it queues stays there to be looked at.</summary>
internal sealed class DaemonRig : IAsyncDisposable
{
    private readonly TestFiles _files = new();

    /// <param name="confidence">What the gate says of every answer; null for a package without a gate.</param>
    /// <param name="endpoint">URL of the larger model; null for none.</param>
    /// <param name="change">Changes the configuration.</param>
    public DaemonRig(double? confidence, string? endpoint, Func<EdgeConfig, EdgeConfig>? change = null)
    {
        var config = ServeRig.Config(_files, endpoint);
        Config = change is null ? config : change(config);
        Solver = ServeRig.OpenSolver(_files, confidence);
        Daemon = new Daemon(Config, Solver, TimeProvider.System, NullLoggerFactory.Instance);
    }

    public EdgeConfig Config { get; }

    /// <summary>The daemon's own.</summary>
    public Solver Solver { get; }

    public Daemon Daemon { get; }

    public int Queued => Daemon.Queue!.Stats().Waiting;

    /// <summary>A question about the sample picture.</summary>
    public Query Question(string code = ServeRig.Code, RoutingMode? mode = null, double deadlineMs = 20_000, byte[]? picture = null) => new(
        Guid.NewGuid().ToString("N"), picture ?? ServeRig.Picture(), code, mode ?? Config.Routing.Mode,
        new Deadline(TimeProvider.System, TimeProvider.System.GetTimestamp(), TimeSpan.FromMilliseconds(deadlineMs)));

    public async Task<Edge.Answers.Answer> Answer(Query query) =>
        Assert.IsType<QueryOutcome.Answered>(await Daemon.Pipeline.AskAsync(query, ServeRig.Stop)).Answer;

    public async Task<RefusalReason> Refusal(Query query, CancellationToken gone = default) =>
        Assert.IsType<QueryOutcome.Refused>(await Daemon.Pipeline.AskAsync(query, gone)).Reason;

    /// <summary>The sample picture, looked at.</summary>
    public async Task<Look> Look() => (await Daemon.Model.LookAsync(Question(), ServeRig.Stop)).Look!;

    /// <summary>A turn for a question about it.</summary>
    public Task<(LocalModel.Turn? Turn, LocalOutcome.Refused? Refusal)> Turn(Look look) => Daemon.Model.TakeTurnAsync(Question(), look, ServeRig.Stop);

    public async ValueTask DisposeAsync()
    {
        await Daemon.DisposeAsync();
        _files.Dispose();
    }
}
