using System.CommandLine;
using Microsoft.ML.OnnxRuntime;
using Vlm.Model;
using Vlm.Package;
using Vlm.Vision;

namespace Vlm.Export;

/// <summary>The command line: <c>export</c> and <c>check</c>.</summary>
/// <remarks>Exit codes: 0 done; 1 it could not be done, or a check failed; 2 the command line is not understood.</remarks>
internal static class Commands
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Misused = 2;

    public static async Task<int> Run(string[] args, TextWriter errors)
    {
        var parsed = Root().Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                await errors.WriteLineAsync($"error: {error.Message}");
            await errors.WriteLineAsync("Say --help for what can be said.");
            return Misused;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (Exception e) when (IsOperatingError(e))
        {
            await errors.WriteLineAsync($"error: {e.Message}");
            return Failed;
        }
    }

    private static RootCommand Root() => new("Writes model packages for ONNX Runtime from Hugging Face checkpoints, and checks them.") { Export(), Check() };

    private static Command Export()
    {
        var checkpoint = new Argument<string>("checkpoint") { Description = "Folder with config.json, weights, preprocessor_config.json and tokenizer." };
        var to = new Option<string>("--to") { Description = "Folder of the package; an older package in it is replaced.", Required = true };
        var precision = new Option<string>("--precision") { Description = "fp32, fp16 (for CUDA), int8 or int4.", DefaultValueFactory = _ => "fp32" };
        var block = new Option<int>("--block-size")
        {
            Description = "int8, int4: weights sharing a scale; 16 to 256, a power of two.",
            DefaultValueFactory = _ => 32,
            CustomParser = result =>
            {
                if (int.TryParse(result.Tokens[0].Value, out int size) && Quantization.IsBlockSize(size)) return size;
                result.AddError($"--block-size must be a power of two from {Quantization.SmallestBlock} to {Quantization.LargestBlock}, not '{result.Tokens[0].Value}'.");
                return 0;
            },
        };
        var words = new Option<bool>("--lean-on-words") { Description = "Letters that stay unsure are decided with the word list: for the model that is asked last." };
        var all = new Option<bool>("--all-logits") { Description = $"All logits of a prompt also for vocabularies above {Graphs.TextGraph.PrunedAbove}." };
        precision.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } name && !ExportOptions.PrecisionNames.Contains(name))
                result.AddError($"Precision '{name}' is not known; choose one of {string.Join(", ", ExportOptions.PrecisionNames)}.");
        });
        var command = new Command("export", "Writes the package of a checkpoint.") { checkpoint, to, precision, block, all, words };
        command.SetAction(result =>
        {
            var options = new ExportOptions(ExportOptions.ParsePrecision(result.GetRequiredValue(precision)), result.GetValue(block), result.GetValue(all))
            {
                LeansOnWords = result.GetValue(words),
            };
            return ExportCommand.Run(result.GetRequiredValue(checkpoint), result.GetRequiredValue(to), options);
        });
        return command;
    }

    private static Command Check()
    {
        var folder = new Argument<string>("folder") { Description = "Folder of the package." };
        var checkpoint = new Option<string?>("--checkpoint") { Description = "What it was made from; by default the package's sub-folder 'checkpoint'." };
        var command = new Command("check", "Holds a package against ONNX Runtime GenAI's contract and against its checkpoint.") { folder, checkpoint };
        command.SetAction(result => CheckCommand.Run(result.GetRequiredValue(folder), result.GetValue(checkpoint)));
        return command;
    }

    private static bool IsOperatingError(Exception e) =>
        e is CheckpointException or ExportException or ModelException or PictureException
            or InvalidDataException or IOException or UnauthorizedAccessException or OnnxRuntimeException;
}
