using System.CommandLine;
using Spectre.Console;
using Vlm.Export.Graphs;
using Vlm.Export.Onnx;
using Vlm.Export.Package;
using Vlm.Finding;
using Vlm.Model;
using Vlm.Package;

namespace Vlm.Export.Commands;

/// <summary><c>finder</c>: writes the sheet finder's package.</summary>
internal static class FinderCommand
{
    public static Command Create()
    {
        var checkpoint = new Argument<string>("checkpoint") { Description = "Folder that the trainer's `finder` wrote: runs/finder/checkpoint." };
        var target = new Option<string>("--to") { Description = "Folder of the package; an older package in it is replaced.", Required = true };
        var command = new Command("finder", "Writes the package of a sheet finder.") { checkpoint, target };
        command.SetAction(result => Run(result.GetRequiredValue(checkpoint), result.GetRequiredValue(target)));
        return command;
    }

    internal static void Run(string checkpoint, string target)
    {
        using var weights = SafeTensors.Open(Path.Combine(checkpoint, "model.safetensors"));
        var graph = FinderGraph.Build(weights);
        var place = PackagePlace.For(target);
        try
        {
            Directory.CreateDirectory(place.Temporary);
            OnnxFile.Write(graph, Path.Combine(place.Temporary, SheetFinderPackage.Graph));
            ModelFolder.Seal(place.Temporary, "int8", new Provenance { Command = $"finder {checkpoint}", Config = "configs/finder.json" });
            place.Commit();
        }
        finally
        {
            place.Discard();
        }

        var bytes = Directory.EnumerateFiles(target).Sum(file => new FileInfo(file).Length);
        AnsiConsole.MarkupLineInterpolated($"{target}: {graph.NodeCount} nodes, {bytes:N0} bytes");
    }
}
