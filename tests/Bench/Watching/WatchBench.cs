using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using Vlm.Edge;
using Vlm.Edge.Cameras;
using Vlm.Edge.Messages;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;
using Vlm.Edge.Storage;
using Vlm.Edge.Watching;
using Vlm.Engine;
using Vlm.Puzzles;
using Vlm.Solving;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Bench.Watching;

/// <summary>Cameras of 640x480 whose frames are drawn before, watched by the daemon's own parts with a real package.</summary>
internal sealed class WatchBench : IAsyncDisposable
{
    private const string Code = "l b p _ o c d";
    private const int Sheets = 8, Noises = 3;
    private static readonly TimeSpan SheetTime = TimeSpan.FromSeconds(10);
    private readonly string _folder = Directory.CreateTempSubdirectory("vlm-watch-").FullName;
    private readonly TimeProvider _clock = TimeProvider.System;
    private readonly Daemon _daemon;
    private readonly byte[][][] _frames;
    private readonly string[] _answers;

    public WatchBench(string model)
    {
        var config = new EdgeConfig
        {
            State = Path.Combine(_folder, "state"),
            Routing = new RoutingOptions { Mode = RoutingMode.LocalOnly },
            Pictures = new PictureShelfOptions { Keep = KeptPictures.None },
            Clock = ClockTrust.Always,
        };
        _daemon = new Daemon(config, Solver.Open(model, new EngineOptions()), _clock, NullLoggerFactory.Instance);
        var puzzles = Enumerable.Range(0, Sheets).Select(i => new PuzzleSource(PuzzleOptions.For(Split.Clean), seed: 7).At(i)).ToArray();
        _answers = [.. puzzles.Select(puzzle => string.Concat(Code.Split(' ').Select(letter => letter == "_" ? ' ' : puzzle.Cipher.Decode(letter[0]))))];
        _frames = [.. puzzles.Select(puzzle => Enumerable.Range(0, Noises).Select(noise => Draw(puzzle.Picture, noise)).ToArray())];
    }

    /// <summary>One camera, five frames a second, nothing new.</summary>
    public async Task<string> IdleAsync(TimeSpan time, CancellationToken stop)
    {
        await using var run = new Run(this, 1);
        await run.PlayAsync(TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(0.2), (_, _) => 0, stop);
        var (looks, cpu, began) = (run.Looks, Cpu(), Stopwatch.GetTimestamp());
        await run.PlayAsync(time, TimeSpan.FromSeconds(0.2), (_, _) => 0, stop);
        var share = (Cpu() - cpu) / Stopwatch.GetElapsedTime(began);
        return $"idle camera, 640x480, 5 frames/s: {100 * share:F2} % of a core over {time.TotalSeconds:F0} s, {run.Looks - looks} looks";
    }

    /// <summary>Many cameras, one frame a second, another sheet every ten seconds each.</summary>
    public async Task<string> ManyAsync(int cameras, TimeSpan time, CancellationToken stop)
    {
        await using var run = new Run(this, cameras);
        var (began, bytes) = (Stopwatch.GetTimestamp(), GC.GetTotalMemory(true));
        int SheetOf(int camera, TimeSpan at) => (int)((at + (camera * SheetTime / cameras)) / SheetTime) + camera;
        await run.PlayAsync(time, TimeSpan.FromSeconds(1), SheetOf, stop);
        var waits = run.Waits.Order().ToArray();
        return $"{cameras} cameras, 640x480, 1 frame/s, another sheet every 10 s each, {Stopwatch.GetElapsedTime(began).TotalSeconds:F0} s: {run.Looks} looks; "
            + $"wait for a turn p50 {At(waits, 0.5):F0} ms, p95 {At(waits, 0.95):F0} ms, longest {At(waits, 1):F0} ms; "
            + $"{run.Published} of {run.Changes} sheets published, {run.Wrong} wrongly; {(GC.GetTotalMemory(true) - bytes) / 1e6:F1} MB more at the end";
    }

    /// <summary>One camera, five frames a second, another sheet every ten seconds.</summary>
    public async Task<string> OneAsync(TimeSpan time, CancellationToken stop)
    {
        await using var run = new Run(this, 1);
        await run.PlayAsync(time, TimeSpan.FromSeconds(0.2), (_, at) => (int)(at / SheetTime), stop);
        var ages = run.Ages.Order().ToArray();
        return $"one camera, 640x480, 5 frames/s, another sheet every 10 s: from the frame of the second equal reading to the published answer "
            + $"p50 {At(ages, 0.5):F0} ms, longest {At(ages, 1):F0} ms, of {run.Published} of {run.Changes} sheets, {run.Wrong} wrongly";
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static TimeSpan Cpu()
    {
        using var self = Process.GetCurrentProcess();
        return self.TotalProcessorTime;
    }

    private static double At(double[] sorted, double share) =>
        sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];

    /// <summary>A sheet before a desk, with the noise of a sensor.</summary>
    private static byte[] Draw(RgbImage sheet, int noise)
    {
        const int Width = 640, Height = 480, Margin = 12;
        var random = SeededRandom.From(noise);
        var drawn = Resize.Bicubic(sheet, Height - (2 * Margin), Height - (2 * Margin));
        var pixels = new byte[Width * Height * 3];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = (byte)(110 + random.Between(-4, 4));
        var left = (Width - drawn.Width) / 2;
        for (var y = 0; y < drawn.Height; y++)
        {
            for (var x = 0; x < drawn.Width * 3; x++)
            {
                var at = ((((y + Margin) * Width) + left) * 3) + x;
                pixels[at] = (byte)Math.Clamp(drawn.Pixels[(y * drawn.Width * 3) + x] + random.Between(-4, 4), 0, 255);
            }
        }
        return ImageCodec.EncodeJpeg(new RgbImage(Width, Height, pixels), 90);
    }

    /// <summary>Some cameras, watched.</summary>
    private sealed class Run : IAsyncDisposable
    {
        private readonly Lock _lock = new();
        private readonly WatchBench _bench;
        private readonly WatchService _service;
        private readonly Dictionary<string, int> _sheets = [];
        private readonly Dictionary<string, int> _read = [];
        private readonly MeterListener _meters = new();
        private long _sequence;
        private bool _isStarted;

        public Run(WatchBench bench, int cameras)
        {
            _bench = bench;
            var daemon = bench._daemon;
            var paused = new StateFile<PausedCameras>(Path.Combine(bench._folder, "paused.json"), WatchJson.Default.PausedCameras, _ => { });
            var ends = new WatchEnds(ReadAsync, Hear, daemon.Alarms, paused, daemon.Events);
            var watched = Enumerable.Range(0, cameras)
                .Select(i => new WatchedCamera($"camera-{i}", new ViewOptions(), new LookOptions(), new StaticMessage(Code))).ToArray();
            _meters.InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name is "watch_wait_seconds" or "watch_publish_seconds") self.EnableMeasurementEvents(instrument);
            };
            _meters.SetMeasurementEventCallback<double>((instrument, seconds, _, _) =>
            {
                lock (_lock) (instrument.Name == "watch_wait_seconds" ? Waits : Ages).Add(1000 * seconds);
            });
            _meters.Start();
            _service = new WatchService(watched, new WatchOptions(), ends, bench._clock);
        }

        public List<double> Waits { get; } = [];

        public List<double> Ages { get; } = [];

        public int Looks { get; private set; }

        public int Published { get; private set; }

        public int Wrong { get; private set; }

        public int Changes { get; private set; }

        /// <summary>Shows frames at their times.</summary>
        public async Task PlayAsync(TimeSpan time, TimeSpan every, Func<int, TimeSpan, int> sheetOf, CancellationToken stop)
        {
            if (!_isStarted) await _service.StartAsync(stop);
            _isStarted = true;
            var (began, names) = (_bench._clock.GetTimestamp(), _service.Watchers.Keys.ToArray());
            using var timer = new PeriodicTimer(every / names.Length, _bench._clock);
            for (var i = 0; _bench._clock.GetElapsedTime(began) is var now && now < time && await timer.WaitForNextTickAsync(stop); i++)
            {
                var camera = i % names.Length;
                Show(names[camera], sheetOf(camera, now) % Sheets);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _service.StopAsync(CancellationToken.None);
            _service.Dispose();
            _meters.Dispose();
        }

        private void Show(string camera, int sheet)
        {
            lock (_lock)
            {
                if (!_sheets.TryGetValue(camera, out var before) || before != sheet) Changes++;
                _sheets[camera] = sheet;
            }
            var number = Interlocked.Increment(ref _sequence);
            var file = _bench._frames[sheet][number % Noises];
            _service.Take(new Frame(camera, file, _bench._clock.GetTimestamp(), _bench._clock.GetUtcNow(), number, 1, FrameIntegrity.Intact));
        }

        private Task<Reading> ReadAsync(WantedLook look, ViewOptions view, CancellationToken stop)
        {
            lock (_lock)
            {
                Looks++;
                _read[look.Frame.Camera] = _sheets[look.Frame.Camera];
            }
            return FrameReader.ReadAsync(look, view, _bench._daemon.Pipeline, (_bench._daemon.Config.Routing, _bench._clock), stop);
        }

        private void Hear(WatchNews news)
        {
            if (news is not WatchNews.Published(var camera, var answer, _)) return;
            lock (_lock)
            {
                Published++;
                if (answer.Text != _bench._answers[_read[camera]]) Wrong++;
            }
        }
    }
}
