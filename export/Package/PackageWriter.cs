using Vlm.Export.Graphs;
using Vlm.Export.Onnx;
using Vlm.Export.Options;
using Vlm.Model;
using Vlm.Package;
using Vlm.Vision;

namespace Vlm.Export.Package;

/// <summary>What one graph came to.</summary>
/// <param name="File">Its file name.</param>
/// <param name="Nodes">Operators in it.</param>
/// <param name="Bytes">Size of the model file and the data file beside it.</param>
internal sealed record GraphSummary(string File, int Nodes, long Bytes);

/// <summary>What was written.</summary>
/// <param name="Graphs">The three graphs.</param>
/// <param name="Bytes">The whole package, without kept sub-folders.</param>
/// <param name="Warnings">What the checkpoint lacked, and what follows from it.</param>
internal sealed record ExportReport(IReadOnlyList<GraphSummary> Graphs, long Bytes, IReadOnlyList<string> Warnings);

/// <summary>A checkpoint folder to a model package.</summary>
internal static class PackageWriter
{
    /// <summary>Copied as they are, and what is lost without them.</summary>
    private static readonly (string Name, string? WhenMissing)[] CopiedFiles =
    [
        ("tokenizer.json", "the package takes token ids only"),
        ("tokenizer_config.json", "GenAI's tokenizer cannot open the package"),
        ("chat_template.jinja", null),
        ("prompt.json", "the package has no prompt of its own"),
        (PackageProvenance.FileName, null),
    ];

    /// <summary>Writes a package beside the target under a temporary name, then puts it in the target's place.</summary>
    /// <param name="checkpointFolder">Hugging Face layout; never in memory as a whole.</param>
    /// <param name="target">Does not exist, is empty, or is an older package, which is replaced but for its checkpoint, plots and samples.</param>
    /// <param name="options">Precision and the like.</param>
    /// <exception cref="CheckpointException">The checkpoint is not complete.</exception>
    /// <exception cref="ExportException">The target is something else, or an option does not fit.</exception>
    public static ExportReport Write(string checkpointFolder, string target, ExportOptions options)
    {
        if (options.Quantization is not null && !Quantization.IsBlockSize(options.BlockSize))
        {
            throw new ExportException(
                $"Block size {options.BlockSize} is not possible; choose a power of two from {Quantization.SmallestBlock} to {Quantization.LargestBlock}.");
        }
        var place = PackagePlace.For(target);
        try
        {
            var report = Fill(place.Temporary, checkpointFolder, options);
            place.Commit();
            return report;
        }
        finally
        {
            place.Discard();
        }
    }

    private static ExportReport Fill(string folder, string checkpointFolder, ExportOptions options)
    {
        using var checkpoint = CheckpointFolder.Open(checkpointFolder);
        var pictures = PictureConfig.Load(Path.Combine(checkpointFolder, "preprocessor_config.json"));
        CheckPictures(pictures, checkpoint.Config.Vision);
        Directory.CreateDirectory(folder);
        GraphSummary[] graphs =
        [
            WriteGraph(folder, VisionGraph.Build(checkpoint.Config, checkpoint, options)),
            WriteGraph(folder, EmbeddingGraph.Build(checkpoint.Config, checkpoint, options)),
            WriteGraph(folder, TextGraph.Build(checkpoint.Config, checkpoint, options)),
        ];
        GenAiConfig.Write(Path.Combine(folder, GenAiConfig.FileName), checkpoint.Config, options);
        ProcessorConfig.Write(Path.Combine(folder, ProcessorConfig.FileName), pictures);
        var warnings = CopyFiles(checkpointFolder, folder);
        if (options.LeansOnWords) LeanOnWords(Path.Combine(folder, "prompt.json"));
        ModelFolder.Seal(folder, options.PrecisionName, PackageProvenance.Of(checkpointFolder, options));
        return new ExportReport(graphs, new DirectoryInfo(folder).EnumerateFiles().Sum(file => file.Length), warnings);
    }

    private static void LeanOnWords(string prompt)
    {
        var template = File.Exists(prompt) ? PromptTemplate.Load(prompt) : null;
        if (template is not { MappingLines: true })
        {
            throw new ExportException(
                "--lean-on-words needs a checkpoint whose prompt.json says \"mapping_lines\": true: only letters that are decided together "
                    + "can be decided by words.");
        }
        (template with { LeansOnWords = true }).Save(prompt);
    }

    private static void CheckPictures(PictureConfig pictures, VisionConfig vision)
    {
        var found = (pictures.PatchSize, pictures.TemporalPatchSize, pictures.MergeSize);
        var expected = (vision.PatchSize, vision.TemporalPatchSize, vision.SpatialMergeSize);
        if (found != expected)
        {
            throw new CheckpointException(
                $"preprocessor_config.json cuts patches of (size, frames, merge) {found}; the tower of config.json takes {expected}. Are both of one model?");
        }
    }

    private static GraphSummary WriteGraph(string folder, OnnxGraph graph)
    {
        var file = graph.Name + ".onnx";
        var path = Path.Combine(folder, file);
        OnnxFile.Write(graph, path);
        var data = new FileInfo(OnnxFile.DataPath(path));
        return new GraphSummary(file, graph.NodeCount, new FileInfo(path).Length + (data.Exists ? data.Length : 0));
    }

    private static List<string> CopyFiles(string from, string to)
    {
        var warnings = new List<string>();
        foreach (var (name, whenMissing) in CopiedFiles)
        {
            if (File.Exists(Path.Combine(from, name)))
                File.Copy(Path.Combine(from, name), Path.Combine(to, name));
            else if (whenMissing is not null)
                warnings.Add($"'{from}' has no {name}: {whenMissing}.");
        }

        return warnings;
    }
}
