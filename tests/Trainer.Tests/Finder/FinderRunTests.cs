using TorchSharp;
using Vlm.Finding;
using Vlm.Puzzles;
using Vlm.Trainer.Finder;
using Vlm.Trainer.Runs;

namespace Vlm.Trainer.Tests.Finder;

/// <summary>The finder's runs: what they are shown, and that a stop costs nothing.</summary>
[Collection("seeded")]
public sealed class FinderRunTests : IDisposable
{
    private static readonly FinderConfig Config = new()
    {
        Name = "finder",
        Seed = 3,
        Steps = 4,
        Batch = 4,
        CheckpointEvery = 1,
        ProbeEvery = 4,
        ProbeScenes = 4,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("finder").FullName;

    [Fact]
    public void A_run_that_is_stopped_and_resumed_ends_with_the_same_weights_to_the_bit()
    {
        Run("whole", Config);
        // Stopped after two of four steps: the schedule is that of four.
        using (var run = new FinderRun(Config, new RunFolder(At("parts"))))
        {
            using var stop = new CancellationTokenSource();
            run.Run(stop.Token, step => Stop(step, stop));
            Assert.Equal(2, run.Step);
        }

        Run("parts", Config);

        Assert.Equal(File.ReadAllBytes(At("whole/checkpoint/model.safetensors")), File.ReadAllBytes(At("parts/checkpoint/model.safetensors")));
    }

    [Fact]
    public async Task The_collector_may_run_in_the_middle_of_every_step_of_the_network()
    {
        // The library's own batch normalisation makes a temporary scalar in each call, and adds one that is gone to its counter once in some thousand steps.
        using var net = new FinderNet();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var collector = Task.Run(
            () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    GC.Collect(0);
                    GC.WaitForPendingFinalizers();
                }
            },
            CancellationToken.None);
        using (torch.no_grad())
        {
            for (var i = 0; i < 150; i++)
            {
                using var scope = torch.NewDisposeScope();
                Assert.False(net.Of(torch.zeros(2, 1, 144, 192)).Corners.isnan().any().item<bool>());
            }
        }

        await stop.CancelAsync();
        await collector;
    }

    [Fact]
    public void Corners_begin_at_the_top_left_of_the_frame_and_lie_in_it_and_empty_scenes_have_none()
    {
        var batch = new SceneBatches(Split.Train, 9, 0.4).Draw(2, 40);

        Assert.InRange(Enumerable.Range(0, 40).Count(i => batch.Seen[i * 5] == 0), 6, 26);
        for (var i = 0; i < 40; i++)
        {
            if (batch.Seen[i * 5] == 0)
            {
                Assert.Equal(0, batch.Seen.Skip(i * 5).Take(5).Sum());
                continue;
            }

            // In heights of the finder, so that angles are those of the picture.
            (double X, double Y) Corner(int c) => (batch.Corners[(i * 8) + (2 * c)] * 4 / 3, batch.Corners[(i * 8) + (2 * c) + 1]);
            (double X, double Y)[] corners = [.. Enumerable.Range(0, 4).Select(Corner)];
            Assert.Equal(corners[0], Quad.Upright(corners).A);
            Assert.All(corners, corner => Assert.True(corner is { X: > -0.05 and < 1.39, Y: > -0.05 and < 1.05 }));
        }
    }

    [Fact]
    public void Scores_count_false_alarms_among_the_empty_and_corners_among_the_whole()
    {
        // Two sheets, one of them with a covered corner, and two empty frames.
        var batch = new SceneBatch([], new float[32], [1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0.5, 0.5, 0, 0]);
        var corners = new float[32];
        corners[0] = 12f / FinderInput.Width;
        corners[8] = 1;

        var score = FinderScore.Of(corners, [0.9f, 0.9f, 0.9f, 0.1f], batch);

        Assert.Equal((0.75, 0.5), (score.Presence, score.FalseAlarms));
        // 12 of 240 pixels of the finder's diagonal, of a sheet that has half of it.
        Assert.Equal(0.1, score.Median, 1e-6);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void Stop(long step, CancellationTokenSource stop)
    {
        if (step == 2) stop.Cancel();
    }

    private void Run(string name, FinderConfig config)
    {
        using var run = new FinderRun(config, new RunFolder(At(name)));
        run.Run(CancellationToken.None);
        Assert.Equal(config.Steps, run.Step);
    }

    private string At(string name) => Path.Combine(_folder, name);
}
