using System.Text.Json;
using Vlm.Edge.Tests.Api;
using Vlm.Finding;
using Vlm.Puzzles;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Solve;

/// <summary>A sheet that is a small part of what a camera sees, read with the models that are shipped.</summary>
public sealed class SmallSheetTests : IDisposable
{
    private static readonly string Models = Path.Combine(Repository.Root, "models");
    private readonly TestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task It_is_found_cut_out_and_read_by_the_command_and_by_the_daemon_and_both_say_so()
    {
        var scene = Scene();
        await File.WriteAllBytesAsync(_files.File("scene.png"), ImageCodec.EncodePng(scene.Picture), ServeRig.Stop);

        var run = await EdgeProcess.Run("solve", _files.File("scene.png"), "--code", scene.Code, "--model", Path.Combine(Models, "cryptogram-edge"),
            "--finder", Path.Combine(Models, "sheet-finder"), "--find", "auto", "--threads", "1", "--json");

        Assert.True(run.ExitCode == 0, run.Errors);
        using var said = JsonDocument.Parse(Assert.Single(run.Lines));
        Assert.Equal(scene.Answer, said.RootElement.GetProperty("text").GetString());
        Assert.Equal(4, said.RootElement.GetProperty("sheet").GetProperty("corners").GetArrayLength());

        var answer = await AskDaemon(scene);
        Assert.Equal((scene.Answer, true), (answer.GetProperty("answer").GetString(), answer.GetProperty("sheet_cut_out").GetBoolean()));
        Assert.True(answer.GetProperty("timings_ms").GetProperty("find_sheet").GetDouble() > 0);
        var whole = await AskDaemon(scene with { Picture = ImageCodec.Decode(ServeRig.Picture()), Code = "l b p _ o c d" });
        Assert.False(whole.GetProperty("sheet_cut_out").GetBoolean());
    }

    private async Task<JsonElement> AskDaemon(Puzzle scene)
    {
        File.WriteAllText(_files.File("edge.yaml"), $$"""
            server: { listen: "http://127.0.0.1:0" }
            model: { folder: "{{Path.Combine(Models, "cryptogram-edge")}}", finder: "{{Path.Combine(Models, "sheet-finder")}}", threads: 1 }
            routing: { mode: local-only }
            clock: always
            state: "{{_files.File("state")}}"
            """);
        using var daemon = await DaemonProcess.StartAsync(_files.File("edge.yaml"));
        using var client = new HttpClient { BaseAddress = daemon.Url };
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(ImageCodec.EncodePng(scene.Picture)), "picture", "scene.png" }, { new StringContent(scene.Code), "code" },
        };
        using var response = await client.PostAsync("/api/v1/solve", form, ServeRig.Stop);
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(ServeRig.Stop));
        return json.RootElement.Clone();
    }

    /// <summary>The first drawn scene in which the sheet fills a fifth of a large frame at most, and has pixels enough to be read.</summary>
    internal static Puzzle Scene()
    {
        var source = new PuzzleSource(PuzzleOptions.For(Split.Scene, 1, 1), 14);
        return Enumerable.Range(0, 500).Select(index => source.At(index)).First(scene =>
        {
            var sheet = Quad.Upright([.. scene.Corners!.Select(corner => ((double)corner.X, (double)corner.Y))]);
            var (across, down) = sheet.Sides;
            return scene.Picture.Width >= 1280 && sheet.Area < 0.2 * scene.Picture.Width * scene.Picture.Height && Math.Min(across, down) > 330;
        });
    }
}
