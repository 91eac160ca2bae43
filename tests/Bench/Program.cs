using System.CommandLine;
using Vlm.Bench.Cascade;
using Vlm.Bench.Finding;
using Vlm.Bench.Micro;
using Vlm.Bench.Quality;
using Vlm.Bench.Sampling;
using Vlm.Bench.ServeLoad;
using Vlm.Bench.Speed;
using Vlm.Bench.Training;
using Vlm.Bench.Watching;
using Vlm.CommandLine;

var root = new RootCommand("Measures what a model package answers right, and how fast.")
{
    QualityCommand.Create(), CascadeCommand.Create(), SamplingCommand.Create(), MicroCommand.Create(), ServeLoadCommand.Create(), FindCommand.Create(),
    TrainCommand.Create(), WatchCommand.Create(), SpeedCommand.Create(),
};
return await Cli.RunAsync(root, args, Cli.UsualGrace);
