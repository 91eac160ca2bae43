using System.CommandLine;
using Vlm.CommandLine;

namespace Vlm.Bench.Watching;

/// <summary>The verb <c>watch</c>: what cameras cost that see nothing new, how long cameras wait for each other, and how soon an answer is published.</summary>
public static class WatchCommand
{
    public static Command Create()
    {
        var model = CheckedOption.Model("--model", "models/cryptogram-edge", "Folder of the package.");
        var seconds = CheckedOption.Positive("--seconds", "Seconds of each of the three measurements.", 60, most: 86_400);
        var cameras = CheckedOption.Positive("--cameras", "Cameras of the second measurement.", 16, most: 64);
        var command = new Command("watch", "The share of a core of an idle camera, waits with many cameras, and the time to a published answer.")
        {
            model, seconds, cameras,
        };
        command.SetAction(async (result, stop) =>
        {
            await using var rig = new WatchBench(result.GetRequiredValue(model));
            var time = TimeSpan.FromSeconds(result.GetValue(seconds));
            Console.WriteLine($"{ThisMachine.Line}\n");
            Console.WriteLine(await rig.IdleAsync(time, stop));
            Console.WriteLine(await rig.ManyAsync(result.GetValue(cameras), time, stop));
            Console.WriteLine(await rig.OneAsync(time, stop));
            return ExitCode.Success;
        });
        return command;
    }
}
