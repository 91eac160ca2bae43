using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Vlm.Edge.Api;
using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;
using Vlm.Engine;
using Vlm.Gating;
using Vlm.Package;
using Vlm.Solving;

namespace Vlm.Edge.Tests.Api;

/// <summary>The daemon on a free port, over a package that always says "cat dog", with a gate that is as confident as a test wants.</summary>
internal sealed class ServeRig : IAsyncDisposable
{
    /// <summary>A code that "cat dog" can be the answer of, and that the scripted endpoint answers the same way.</summary>
    public const string Code = "c a t _ d o g";

    /// <summary>The same, but the scripted endpoint answers "qxr wzp".</summary>
    public const string OtherCode = "q x r _ w z p";

    public const double Threshold = 0.9;

    /// <summary>The reply of a model that saw no letter: not those of the code, and not the 20 others, which it is asked for then.</summary>
    public static string SeesNothing { get; } =
        " l→ ?\n b→ ?\n p→ ?\n _→ _\n o→ ?\n c→ ?\n d→ ?\n" + string.Concat("aefghijkmnqrstuvwxyz".Select(letter => $" {letter}→ ?\n"));

    private const string Reply = " l→ c\n b→ a\n p→ t\n _→ _\n o→ d\n c→ o\n d→ g\n<chars> c a t _ d o g</chars>\n</think>\n<answer>cat dog</answer>";

    private readonly TestFiles _files;
    private readonly WebApplication _app;

    private ServeRig(TestFiles files, WebApplication app)
    {
        (_files, _app) = (files, app);
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
    }

    public HttpClient Client { get; }

    public Daemon Daemon => _app.Services.GetRequiredService<Daemon>();

    public static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <param name="confidence">What the gate says of every answer; null for a package without a gate.</param>
    /// <param name="endpoint">URL of the larger model; null for none.</param>
    /// <param name="change">Changes the configuration.</param>
    /// <param name="reply">What the model on the box always says.</param>
    public static async Task<ServeRig> Start(double? confidence, string? endpoint, Func<EdgeConfig, EdgeConfig>? change = null, string reply = Reply)
    {
        var files = new TestFiles();
        try
        {
            var config = Config(files, endpoint);
            var app = Build(files, confidence, change is null ? config : change(config), reply);
            await app.StartAsync(Stop);
            return new ServeRig(files, app);
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>The daemon, not started.</summary>
    public static WebApplication Build(TestFiles files, double? confidence, EdgeConfig config, string reply = Reply)
    {
        return EdgeServer.Build(config, OpenSolver(files, confidence, reply), TimeProvider.System);
    }

    /// <summary>The package that always says "cat dog", opened.</summary>
    public static Solver OpenSolver(TestFiles files, double? confidence, string reply = Reply) =>
        Solver.Open(Package(files, confidence, reply), new EngineOptions { Threads = 1 });

    public static EdgeConfig Config(TestFiles files, string? endpoint) => new()
    {
        Server = new ServerOptions { Listen = "http://127.0.0.1:0" },
        Routing = new RoutingOptions { Mode = endpoint is null ? RoutingMode.LocalOnly : RoutingMode.Escalate },
        Audit = new DriftOptions { Share = 0, ShareNearThreshold = 0 },
        State = files.File("state"),
        // Whether something keeps the clock of the machine that tests right is no matter of theirs.
        Clock = ClockTrust.Always,
        Escalation = endpoint is null ? null : new EscalationOptions
        {
            Endpoints = [new EndpointOptions { Name = "larger", Url = endpoint }],
            RetryDelaySeconds = 0,
            Queue = new QueueOptions { Folder = files.File("queue") },
            Worker = new WorkerOptions { PauseSeconds = 0.01, LongestPauseSeconds = 0.05 },
        },
    };

    public async Task<JsonElement> Solve(string code = Code, string? mode = null, double? deadlineMs = null)
    {
        using var response = await Post(new { picture = DataUri(), code, mode, deadline_ms = deadlineMs });
        var body = await response.Content.ReadFromJsonAsync<JsonElement>(Stop);
        Assert.True(response.StatusCode == HttpStatusCode.OK, body.ToString());
        return body;
    }

    public Task<HttpResponseMessage> Post(object body, string path = "/api/v1/solve") => Client.PostAsync(path, JsonContent.Create(body), Stop);

    public Task<HttpResponseMessage> PostForm(byte[] picture, string code, params (string Name, string Value)[] more)
    {
        var file = new ByteArrayContent(picture);
        file.Headers.ContentType = new MediaTypeHeaderValue("image/png");
        var form = new MultipartFormDataContent { { file, "picture", "picture.png" }, { new StringContent(code), "code" } };
        foreach (var (name, value) in more) form.Add(new StringContent(value), name);
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/solve") { Content = form };
        // A body that is refused by its length is not sent, so the refusal always arrives.
        request.Headers.ExpectContinue = true;
        return Client.SendAsync(request, Stop);
    }

    public Task<JsonElement> Get(string path) => Client.GetFromJsonAsync<JsonElement>(path, Stop);

    /// <summary>Asks again until it is as wanted; the worker has no other way to say that it is done.</summary>
    public async Task<JsonElement> Until(string path, Func<JsonElement, bool> wanted)
    {
        for (var i = 0; i < 500; i++)
        {
            var found = await Get(path);
            if (wanted(found)) return found;
            await Task.Delay(20, Stop);
        }
        throw new TimeoutException($"{path} did not become as wanted; it is {await Get(path)}");
    }

    public static byte[] Picture(string name = "e.png") => File.ReadAllBytes(TestFiles.Picture(name));

    public static string DataUri(string name = "e.png") => $"data:image/png;base64,{Convert.ToBase64String(Picture(name))}";

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        _files.Dispose();
    }

    public static string Package(TestFiles files, double? confidence, string reply = Reply)
    {
        var folder = ScriptedPackage.Write(files.File("package"), reply, holdsLayout: reply == SeesNothing);
        if (confidence is { } said) GateOf(said, ModelFolder.Open(folder)).Save(Path.Combine(folder, ModelFolder.GateName));
        return folder;
    }

    /// <summary>A gate without signals, which says the same of every answer.</summary>
    public static Gate GateOf(double confidence, ModelFolder model)
    {
        var calibrator = new Calibrator([], Math.Log(confidence / (1 - confidence)));
        return new Gate
        {
            Format = Gate.CurrentFormat,
            Calibrator = calibrator,
            Threshold = Threshold,
            Certificate = new Certificate
            {
                Risk = 0.01,
                Delta = 0.05,
                Accepted = 400,
                Errors = 0,
                PValue = 0.02,
                Coverage = 0.9,
                Strata = [new CertifiedStratum("whole", 450, 400, 0, 0.02)],
                NotPromised = [],
                Splits = new SplitSizes(100, 450, 100),
                SplitSeed = 1,
                DataSet = "scripted",
                DataSetHash = new string('0', 64),
                ModelHash = model.Fingerprint,
                Precision = model.Manifest.Precision,
                CalibratorHash = calibrator.Hash(),
                Date = DateTimeOffset.UnixEpoch,
            },
        };
    }
}
