using System.Text.Json;
using Vlm.Model;

namespace Vlm.Trainer.Model;

/// <summary>One adapted layer of a file.</summary>
/// <param name="Module">Name in the checkpoint, without <c>.weight</c>.</param>
/// <param name="A">Name of the tensor [r, in].</param>
/// <param name="B">Name of the tensor [out, r].</param>
internal sealed record LoraEntry(string Module, string A, string B);

/// <summary>An adapter's folder as PEFT writes it: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
internal sealed class LoraFile : IDisposable
{
    public const string WeightsName = "adapter_model.safetensors";
    private const string ConfigName = "adapter_config.json", Prefix = "base_model.model.";
    private const string EndA = ".lora_A.weight", EndB = ".lora_B.weight";

    /// <summary>Members that change nothing about the weights, or only when others do that must be off.</summary>
    private static readonly HashSet<string> Harmless =
    [
        "auto_mapping", "base_model_name_or_path", "inference_mode", "lora_dropout", "megatron_core", "peft_version",
        "qalora_group_size", "revision", "task_type", "ensure_weight_tying", "exclude_modules", "layers_pattern", "layers_to_transform", "eva_config",
            "corda_config",
    ];

    private static readonly HashSet<string> Used = ["peft_type", "r", "lora_alpha", "target_modules", "use_rslora", "bias", "init_lora_weights"];

    private static readonly string[] Numbers = ["r", "lora_alpha"];

    /// <summary>Ways to begin that leave the base as it was. Others (PiSSA, OLoRA, CorDA, LoftQ, LoRA-GA) take the adapter's share out of it first.</summary>
    private static readonly HashSet<string> BeginsAtBase = ["gaussian", "eva", "orthogonal"];

    private LoraFile(string folder, LoraConfig config, SafeTensors weights)
    {
        Folder = folder;
        Config = config;
        Weights = weights;
        Entries =
        [
            .. weights.Names.Where(n => n.EndsWith(EndA, StringComparison.Ordinal))
                .Select(n => new LoraEntry(Module(n[..^EndA.Length]), n, n[..^EndA.Length] + EndB)),
        ];
    }

    public string Folder { get; }

    public LoraConfig Config { get; }

    public SafeTensors Weights { get; }

    /// <summary>The adapted layers: those in the file, whatever <c>target_modules</c> says.</summary>
    public IReadOnlyList<LoraEntry> Entries { get; }

    /// <summary>Opens a folder and checks it against the model that it is for.</summary>
    /// <exception cref="CheckpointException">One message names everything that does not fit.</exception>
    public static LoraFile Open(string folder, VlmConfig model)
    {
        if (!Directory.Exists(folder))
            throw new CheckpointException($"There is no folder '{folder}'. Give the folder that holds {ConfigName} and {WeightsName}.");
        var config = ReadConfig(Path.Combine(folder, ConfigName));
        var file = new LoraFile(folder, config, SafeTensors.Open(Path.Combine(folder, WeightsName)));
        try
        {
            file.Check(model);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Writes a folder that PEFT reads.</summary>
    public static void Write(string folder, LoraConfig config, IEnumerable<NamedTensor> tensors)
    {
        Directory.CreateDirectory(folder);
        SafeTensors.Write(Path.Combine(folder, WeightsName), tensors);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("peft_type", "LORA");
            json.WriteNull("base_model_name_or_path");
            json.WriteNumber("r", config.R);
            json.WriteNumber("lora_alpha", config.Alpha);
            json.WriteNumber("lora_dropout", 0.0);
            json.WriteBoolean("use_rslora", config.UseRslora);
            json.WritePropertyName("target_modules");
            config.TargetModules.Write(json);
            json.WriteString("bias", "none");
            json.WriteBoolean("fan_in_fan_out", false);
            json.WriteBoolean("inference_mode", true);
            json.WriteEndObject();
        }

        File.WriteAllBytes(Path.Combine(folder, ConfigName), buffer.ToArray());
    }

    /// <summary>A module as PEFT names it (transformers 4.52 and later), from the checkpoint's name.</summary>
    public static string PeftModule(string module)
    {
        if (module.StartsWith("visual.", StringComparison.Ordinal)) return "model." + module;
        return module.StartsWith("model.", StringComparison.Ordinal) ? "model.language_model." + module["model.".Length..] : module;
    }

    /// <summary>The names of the two tensors of a module.</summary>
    public static (string A, string B) Names(string module) => (Prefix + PeftModule(module) + EndA, Prefix + PeftModule(module) + EndB);

    public void Dispose() => Weights.Dispose();

    /// <summary>The checkpoint's name, from either generation of PEFT's.</summary>
    private static string Module(string name) => WeightNames.Canonical(name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name);

    private static LoraConfig ReadConfig(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var root = document.RootElement;
            Refuse(path, root);
            var config = new LoraConfig
            {
                R = root.GetProperty("r").GetInt32(),
                Alpha = root.GetProperty("lora_alpha").GetDouble(),
                UseRslora = root.TryGetProperty("use_rslora", out var rslora) && rslora.ValueKind == JsonValueKind.True,
                TargetModules = TargetModules.Read(root.GetProperty("target_modules")),
            };
            config.Validate(path);
            return config;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path} cannot be read: {error.Message}", error);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or InvalidDataException)
        {
            throw new CheckpointException(
                $"{path} is no configuration of a LoRA adapter (r, lora_alpha and target_modules are needed): {error.Message}", error);
        }
    }

    /// <summary>Every member that would change what the adapter computes and is not done here.</summary>
    private static void Refuse(string path, JsonElement root)
    {
        var problems = new List<string>();
        if (!(root.TryGetProperty("peft_type", out var type) && type.ValueKind == JsonValueKind.String && type.ValueEquals("LORA")))
            problems.Add("peft_type must be 'LORA'");
        if (root.TryGetProperty("bias", out var bias) && !(bias.ValueKind == JsonValueKind.String && bias.ValueEquals("none")))
            problems.Add($"bias is {bias.GetRawText()}; only 'none' is supported");
        problems.AddRange(Numbers
            .Where(name => root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Number)
            .Select(name => $"{name} is {root.GetProperty(name).GetRawText()}; a number is needed"));
        if (root.TryGetProperty("use_rslora", out var rslora) && rslora.ValueKind is not (JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null))
            problems.Add($"use_rslora is {rslora.GetRawText()}; true or false is needed");
        if (root.TryGetProperty("init_lora_weights", out var start) && !LeavesBase(start))
        {
            problems.Add(
                $"init_lora_weights is {start.GetRawText()}: such an adapter belongs to a base that its beginning changed, and this base is not that one. " +
                "Convert it with PEFT (save_pretrained with path_initial_model_for_weight_conversion) first");
        }

        problems.AddRange(root.EnumerateObject()
            .Where(member => !Harmless.Contains(member.Name) && !Used.Contains(member.Name) && !IsOff(member.Value))
            .Select(member => $"'{member.Name}' is {member.Value.GetRawText()}; only adapters without it are supported"));
        if (problems.Count > 0) throw new CheckpointException($"{path}: {string.Join("; ", problems)}.");
    }

    private static bool LeavesBase(JsonElement start) => start.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null => true,
        JsonValueKind.String => BeginsAtBase.Contains(start.GetString()!.ToLowerInvariant()),
        _ => false,
    };

    private static bool IsOff(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };

    private void Check(VlmConfig model)
    {
        var problems = new List<string>();
        var layers = LoraConfig.LinearLayers(model);
        var known = Entries.SelectMany(e => new[] { e.A, e.B }).ToHashSet();
        problems.AddRange(Weights.Names.Where(n => !known.Contains(n)).Select(n => $"'{n}' is no half of a pair lora_A, lora_B"));
        if (Entries.Count == 0) problems.Add("it holds no pair lora_A, lora_B");
        problems.AddRange(Entries.GroupBy(e => e.Module).Where(g => g.Count() > 1)
            .Select(g => $"'{g.Key}' is there more than once, as {string.Join(" and ", g.Select(e => $"'{e.A}'"))}"));
        foreach (var entry in Entries)
        {
            if (!layers.TryGetValue(entry.Module, out var shape))
            {
                problems.Add($"'{entry.Module}' is no linear layer of the model");
            }
            else if (!Weights.Contains(entry.B))
            {
                problems.Add($"'{entry.B}' is missing");
            }
            else
            {
                Expect(problems, entry.A, [Config.R, shape[1]]);
                Expect(problems, entry.B, [shape[0], Config.R]);
            }
        }

        if (problems.Count == 0)
        {
            foreach (var name in Weights.Names) Weights.RequireFinite(name);
            return;
        }

        var more = problems.Count > 8 ? $"; and {problems.Count - 8} more" : "";
        throw new CheckpointException($"The adapter in '{Folder}' does not fit the model: {string.Join("; ", problems.Take(8))}{more}.");
    }

    private void Expect(List<string> problems, string name, long[] shape)
    {
        var found = Weights.Info(name).Shape;
        if (!found.AsSpan().SequenceEqual(shape))
            problems.Add($"'{name}' has shape [{string.Join(", ", found)}]; the model and r = {Config.R} ask for [{string.Join(", ", shape)}]");
    }
}
