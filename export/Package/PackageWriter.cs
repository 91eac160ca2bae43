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
    private static readonly IReadOnlyDictionary<string, DataPlace> NoPlaces = new Dictionary<string, DataPlace>();

    /// <summary>Copied as they are, and what is lost without them.</summary>
    private static readonly (string Name, string? WhenMissing)[] CopiedFiles =
    [
        ("tokenizer.json", "the package takes token ids only"),
        ("tokenizer_config.json", "GenAI's tokenizer cannot open the package"),
        ("chat_template.jinja", null),
        (PackageProvenance.FileName, null),
    ];

    /// <summary>Writes a package beside the target under a temporary name, then puts it in the target's place.</summary>
    /// <param name="checkpointFolder">Hugging Face layout; never in memory as a whole.</param>
    /// <param name="target">Does not exist, is empty, or is an older package, which is replaced but for its checkpoint, plots and samples.</param>
    /// <param name="options">Precision and the like.</param>
    /// <param name="watch">Hears how it gets on, and may end it; null for nobody.</param>
    /// <exception cref="CheckpointException">The checkpoint is not complete.</exception>
    /// <exception cref="ExportException">The target is something else, or an option does not fit, or the disk has no room.</exception>
    public static ExportReport Write(string checkpointFolder, string target, ExportOptions options, ExportWatch? watch = null)
    {
        if (options.Quantization is not null && !Quantization.IsBlockSize(options.BlockSize))
        {
            throw new ExportException(
                $"Block size {options.BlockSize} is not possible; choose a power of two from {Quantization.SmallestBlock} to {Quantization.LargestBlock}.");
        }
        var place = PackagePlace.For(target);
        try
        {
            var report = Fill(place.Temporary, checkpointFolder, options, watch ?? ExportWatch.Nobody);
            place.Commit();
            return report;
        }
        finally
        {
            place.Discard();
        }
    }

    private static ExportReport Fill(string folder, string checkpointFolder, ExportOptions options, ExportWatch watch)
    {
        using var checkpoint = CheckpointFolder.Open(checkpointFolder);
        var pictures = PictureConfig.Load(Path.Combine(checkpointFolder, "preprocessor_config.json"));
        CheckPictures(pictures, checkpoint.Config.Vision);
        Directory.CreateDirectory(folder);
        var graphs = WriteGraphs(folder, checkpoint, options, watch);
        GenAiConfig.Write(Path.Combine(folder, GenAiConfig.FileName), checkpoint.Config, options);
        ProcessorConfig.Write(Path.Combine(folder, ProcessorConfig.FileName), pictures);
        var warnings = CopyFiles(checkpointFolder, folder);
        if (PackagePrompt.Write(checkpointFolder, folder) is { } note) warnings.Add(note);
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

    /// <summary>The decoder before the embedding, which may take its words from the decoder's file.</summary>
    private static GraphSummary[] WriteGraphs(string folder, CheckpointFolder checkpoint, ExportOptions options, ExportWatch watch)
    {
        var vision = VisionGraph.Build(checkpoint.Config, checkpoint, options);
        var text = TextGraph.Build(checkpoint.Config, checkpoint, options);
        // A graph is a plan: its tensors are read while they are written. Where shared bytes will be is not known yet, and their number does not depend on it.
        var table = WordTable.Storage(checkpoint.Config, options) == WordStorage.SharedWithHead
            ? 0
            : OnnxFile.DataBytes(EmbeddingGraph.Build(checkpoint.Config, checkpoint, options, NoPlaces));
        watch.Begin(folder, OnnxFile.DataBytes(vision) + table + OnnxFile.DataBytes(text));
        var first = WriteGraph(folder, vision, watch).Summary;
        var (last, places) = WriteGraph(folder, text, watch);
        return [first, WriteGraph(folder, EmbeddingGraph.Build(checkpoint.Config, checkpoint, options, places), watch).Summary, last];
    }

    private static (GraphSummary Summary, IReadOnlyDictionary<string, DataPlace> Places) WriteGraph(string folder, OnnxGraph graph, ExportWatch watch)
    {
        var file = graph.Name + ".onnx";
        var path = Path.Combine(folder, file);
        var places = OnnxFile.Write(graph, path, watch.Written);
        var data = new FileInfo(OnnxFile.DataPath(path));
        return (new GraphSummary(file, graph.NodeCount, new FileInfo(path).Length + (data.Exists ? data.Length : 0)), places);
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
