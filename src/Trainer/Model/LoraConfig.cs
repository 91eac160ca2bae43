using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Vlm.Model;

namespace Vlm.Trainer.Model;

/// <summary>Low-rank adaptation (arXiv 2106.09685): W + scale · B · A, of which A and B are trained.</summary>
public sealed record LoraConfig
{
    /// <summary>Rank of A [r, in] and B [out, r]. ≥ 1.</summary>
    public int R { get; init; } = 16;

    /// <summary>The update is scaled by alpha / r. &gt; 0.</summary>
    public double Alpha { get; init; } = 32;

    /// <summary>Scales by alpha / √r instead (arXiv 2312.03732).</summary>
    public bool UseRslora { get; init; }

    /// <summary>Which linear layers are adapted.</summary>
    public TargetModules TargetModules { get; init; } = TargetModules.Decoder;

    /// <summary>Factor of B · A.</summary>
    [JsonIgnore]
    public double Scale => Alpha / (UseRslora ? Math.Sqrt(R) : R);

    /// <summary>Checks the numbers.</summary>
    /// <exception cref="InvalidDataException">Says which is wrong.</exception>
    public void Validate(string where)
    {
        if (R < 1 || !(Alpha > 0) || !double.IsFinite(Alpha))
            throw new InvalidDataException($"{where}: r is {R} and alpha {Alpha}; expected r of at least 1 and a positive alpha.");
    }

    /// <summary>The linear layers of a model that are adapted, by the checkpoint's names without <c>.weight</c>, in the model's order.</summary>
    /// <exception cref="InvalidDataException">Nothing matches, or something that is no linear layer of a block or the merger.</exception>
    public IReadOnlyList<string> Targets(VlmConfig model)
    {
        var linear = LinearLayers(model);
        var modules = WeightNames.All(model).Where(w => w.Name.EndsWith(".weight", StringComparison.Ordinal)).Select(w => w.Name[..^".weight".Length]).ToList();
        var chosen = modules.Where(TargetModules.Match).ToList();
        var wrong = chosen.Where(name => !linear.ContainsKey(name)).ToList();
        if (chosen.Count == 0)
        {
            throw new InvalidDataException(
                $"target_modules {TargetModules} match no module of the model; they are named like '{LoraFile.PeftModule(linear.Keys.Last())}'.");
        }
        if (wrong.Count > 0)
        {
            throw new InvalidDataException(
                $"target_modules {TargetModules} match {string.Join(", ", wrong.Take(5))}, which cannot be adapted: " +
                "only linear layers of blocks and merger can. Name them more precisely.");
        }

        return chosen;
    }

    /// <summary>Every linear layer that can be adapted: name without <c>.weight</c> to [out, in].</summary>
    internal static IReadOnlyDictionary<string, long[]> LinearLayers(VlmConfig model)
        => WeightNames.All(model)
            .Where(w => w.Shape.Length == 2 && w.Name is not ("model.embed_tokens.weight" or "lm_head.weight"))
            .ToDictionary(w => w.Name[..^".weight".Length], w => w.Shape);
}

/// <summary>PEFT's <c>target_modules</c>: a regular expression for a module's whole name, or a list of endings.</summary>
/// <remarks>PEFT matches the names of modules (<c>model.language_model.layers…</c>), which differ from those of weights; both are accepted here.</remarks>
[JsonConverter(typeof(Converter))]
public sealed class TargetModules
{
    private readonly Regex? _pattern;
    private readonly string? _text;
    private readonly string[] _endings;

    private TargetModules(string? text, string[] endings)
    {
        _text = text;
        _endings = endings;
        _pattern = text is null ? null : new Regex($"^(?:{text})$", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    }

    /// <summary>All seven products of every decoder layer.</summary>
    public static TargetModules Decoder { get; } = Pattern(@".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)");

    /// <summary>A regular expression.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static TargetModules Pattern(string expression) => new(expression, []);

    /// <summary>Endings, such as <c>q_proj</c>.</summary>
    public static TargetModules Endings(params string[] endings) => new(null, endings);

    /// <summary>Whether the module of this name (as in the checkpoint, without <c>.weight</c>) is meant.</summary>
    public bool Match(string module)
    {
        string[] names = [module, LoraFile.PeftModule(module)];
        return _pattern is null
            ? names.Any(name => _endings.Any(ending => name == ending || name.EndsWith("." + ending, StringComparison.Ordinal)))
            : names.Any(_pattern.IsMatch);
    }

    public override string ToString() => _text is null ? $"[{string.Join(", ", _endings)}]" : $"'{_text}'";

    internal void Write(Utf8JsonWriter json)
    {
        if (_text is not null) { json.WriteStringValue(_text); return; }
        json.WriteStartArray();
        foreach (var ending in _endings) json.WriteStringValue(ending);
        json.WriteEndArray();
    }

    internal static TargetModules Read(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.String)
        {
            try
            {
                return Pattern(element.GetString()!);
            }
            catch (ArgumentException error)
            {
                throw new JsonException($"target_modules is no regular expression: {error.Message}");
            }
        }

        if (element.ValueKind == JsonValueKind.Array && element.GetArrayLength() > 0 && element.EnumerateArray().All(e => e.ValueKind == JsonValueKind.String))
            return Endings([.. element.EnumerateArray().Select(e => e.GetString()!)]);
        throw new JsonException("target_modules must be a regular expression or a list of name endings.");
    }

    private sealed class Converter : JsonConverter<TargetModules>
    {
        public override TargetModules Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var document = JsonDocument.ParseValue(ref reader);
            return TargetModules.Read(document.RootElement);
        }

        public override void Write(Utf8JsonWriter writer, TargetModules value, JsonSerializerOptions options) => value.Write(writer);
    }
}
