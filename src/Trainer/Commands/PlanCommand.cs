using System.CommandLine;
using System.Globalization;
using Vlm.Model;
using Vlm.Trainer.Model;
using Vlm.Trainer.Optimization;
using Vlm.Trainer.Planning;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Commands;

/// <summary><c>plan --model &lt;folder&gt; --gpu-memory 24GB</c>: which ways of training fit, with which micro-batches; weights are not needed.</summary>
internal static class PlanCommand
{
    private const double Gigabyte = 1e9;
    private const int ImageTokensUnlessSaid = 256;

    public static Command Create()
    {
        var model = new Option<string>("--model") { Description = "Folder with config.json; weights are not needed.", Required = true };
        var memory = new Option<string>("--gpu-memory") { Description = "Memory of the device, such as 24GB.", DefaultValueFactory = _ => "24GB" };
        var reserve = new Option<string>("--reserve")
        { Description = "Kept free for the device's context and fragmentation, which are not measured here.", DefaultValueFactory = _ => "1GB" };
        var lora = new Option<int>("--lora") { Description = "Rank of the adapters.", DefaultValueFactory = _ => 16 };
        var adamw = new Option<bool>("--adamw") { Description = "AdamW for all parameters instead of Muon for matrices." };
        var prompts = Count("--prompts", "Prompts per step.", 8);
        var group = Count("--group-size", "Completions per prompt.", 8);
        var most = Count("--max-tokens", "Tokens of a completion at most.", 240);
        var image = new Option<int?>("--image-tokens")
        { Description = $"Tokens of a picture; what preprocessor_config.json allows at most, or {ImageTokensUnlessSaid} without one." };
        var text = Count("--text-tokens", "Tokens of a prompt besides the picture.", 64);
        var micro = new Option<int?>("--micro-rows") { Description = "Completions per micro-batch; the most that fit when it is not given." };
        var check = new Option<int?>("--check")
        { Description = "Run a real step of each way with a micro-batch of so many completions, and compare; for models that fit into this machine." };
        var command = new Command("plan", "Print which ways of training fit into a memory.")
            { model, memory, reserve, lora, adamw, prompts, group, most, image, text, micro, check };
        command.SetAction(parsed => Run(parsed.GetValue(model)!, () => new Request(
            Bytes(parsed.GetValue(memory)!) - Bytes(parsed.GetValue(reserve)!),
            new StepShape(
                parsed.GetValue(prompts), parsed.GetValue(group), parsed.GetValue(image)
                    ?? ImageTokens(parsed.GetValue(model)!), parsed.GetValue(text), parsed.GetValue(most)),
            new LoraConfig { R = parsed.GetValue(lora), Alpha = 2 * parsed.GetValue(lora) },
            new OptimizerConfig { Muon = !parsed.GetValue(adamw) },
            parsed.GetValue(micro),
            parsed.GetValue(check))));
        return command;
    }

    private static void Run(string folder, Func<Request> read)
    {
        var config = VlmConfig.Load(folder);
        var request = read();
        set_num_threads(1);   // what is measured is memory; more threads than free processors would only be slower
        request.Validate();
        Print(config, request);
    }

    private static void Print(VlmConfig config, Request request)
    {
        var step = request.Step;
        Console.WriteLine(
            $"{WeightNames.All(config).Sum(w => w.Shape.Aggregate(1L, (a, b) => a * b)):N0} parameters; " +
            $"a step of {step.Prompts} x {step.GroupSize} completions, " +
            $"{step.ImageTokens} + {step.TextTokens} + {step.MaxTokens} tokens, products in bfloat16; {request.Memory / Gigabyte:F1} GB for tensors.");
        Console.WriteLine(
            "Weights, gradients, optimizer and KV cache from the shapes of config.json; activations measured on one of each of the model's modules here.");
        Console.WriteLine("GB (1e9 bytes); 'passing' is the most on top in the backward pass or the optimizer's step.\n");
        Console.WriteLine(
            $"{"",-42}{"micro-batch",12}{"weights",9}{"gradients",10}{"optimizer",10}{"activations",12}{"logits",8}{"passing",9}{"KV cache",9}{"peak",8}");
        foreach (var mode in TrainingMode.All(request.Lora, request.Optimizer))
        {
            var cost = new ActivationMeter(config, mode).Measure();
            MemoryEstimate Of(int rows) => MemoryPlan.Of(config, mode, cost, step, rows);
            var rows = request.MicroRows is { } asked
                ? Of(asked).Peak <= request.Memory ? asked : 0
                : MemoryPlan.LargestMicroBatch(step, request.Memory, Of);
            Console.WriteLine(Line(mode, rows, Of(request.MicroRows ?? Math.Max(1, rows))));
            if (request.Check is not { } checkedRows) continue;
            var (predicted, measured) = (Of(checkedRows).Learning, RealStep.Peak(config, mode, step, checkedRows));
            Console.WriteLine(
                $"    check, micro-batch {checkedRows}: predicted {predicted / 1e6:F1} MB, measured {measured / 1e6:F1} MB, ratio {predicted / measured:F3}");
        }
    }

    private static string Line(TrainingMode mode, int rows, MemoryEstimate of)
    {
        static string Gb(double bytes) => (bytes / Gigabyte).ToString(bytes < 0.1 * Gigabyte ? "F3" : "F2", CultureInfo.InvariantCulture);
        var name = mode.Name + (mode.Checkpointing ? ", +ckpt" : "");
        return $"{name,-42}{(rows == 0 ? "does not fit" : rows),12}{Gb(of.Weights),9}{Gb(of.Gradients),10}{Gb(of.Optimizer),10}" +
            $"{Gb(of.Activations),12}{Gb(of.Logits),8}{Gb(of.Passing),9}" +
            $"{Gb(of.KeyValueCache),9}{Gb(of.Peak),8}" + (of.Sampling > of.Learning ? "  (sampling)" : "");
    }

    /// <summary>A number of bytes such as 24GB or 512MB, powers of ten.</summary>
    internal static double Bytes(string text)
    {
        var (unit, factor) = text.ToUpperInvariant() switch
        {
            var t when t.EndsWith("GB", StringComparison.Ordinal) => ("GB", 1e9),
            var t when t.EndsWith("MB", StringComparison.Ordinal) => ("MB", 1e6),
            _ => throw new InvalidDataException($"'{text}' is no amount of memory; expected a number with GB or MB, such as 24GB."),
        };
        return double.TryParse(text[..^unit.Length], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= 0
            ? number * factor
            : throw new InvalidDataException($"'{text}' is no amount of memory; expected a number with GB or MB, such as 24GB.");
    }

    private static int ImageTokens(string folder)
    {
        var file = Path.Combine(folder, "preprocessor_config.json");
        if (!File.Exists(file)) return ImageTokensUnlessSaid;
        var pictures = PictureConfig.Load(file);
        return Math.Max(1, pictures.MaxPixels / (pictures.Factor * pictures.Factor));
    }

    private static Option<int> Count(string name, string description, int fallback)
        => new(name) { Description = description, DefaultValueFactory = _ => fallback };

    private sealed record Request(double Memory, StepShape Step, LoraConfig Lora, OptimizerConfig Optimizer, int? MicroRows, int? Check)
    {
        public void Validate()
        {
            Lora.Validate("--lora");
            if (Memory <= 0) throw new InvalidDataException("--gpu-memory must be more than --reserve.");
            if (Step.Prompts < 1 || Step.GroupSize < 2 || Step.MaxTokens < 1 || Step.ImageTokens < 1 || Step.TextTokens < 2 || Check < 1 || MicroRows < 1)
            {
                throw new InvalidDataException(
                    "--prompts, --max-tokens, --image-tokens, --micro-rows and --check must be at least 1, --group-size and --text-tokens at least 2.");
            }
        }
    }
}
