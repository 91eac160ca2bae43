using Vlm.Model;
using Vlm.Text;

namespace Vlm.Export.Check;

/// <summary>The tokenizer and the config have to agree on the ids that carry pictures.</summary>
internal static class TokenizerChecks
{
    private const string Section = "tokenizer.json";
    private static readonly (string Text, string Key)[] SpecialTokens =
        [("<|image_pad|>", "image_token_id"), ("<|video_pad|>", "video_token_id"), ("<|vision_start|>", "vision_start_token_id")];

    private const int Pictures = 2;
    private const int TokensPerPicture = 5;

    public static IEnumerable<CheckRow> Run(string folder, CheckedConfig config)
    {
        var path = Path.Combine(folder, Section);
        if (!File.Exists(path)) return [CheckRow.Of(Section, "is there", false, "missing: the package takes token ids only")];
        try
        {
            return Run(Tokenizer.Load(path), config).Append(CheckRow.Of(
                "tokenizer_config.json", "is there", File.Exists(Path.Combine(folder, "tokenizer_config.json")), "GenAI opens a tokenizer only with it"));
        }
        catch (CheckpointException e)
        {
            return [CheckRow.Of(Section, "is a byte-level tokenizer with all 256 bytes", false, e.Message)];
        }
    }

    private static IEnumerable<CheckRow> Run(Tokenizer tokenizer, CheckedConfig config)
    {
        // Loading checks the bytes.
        yield return CheckRow.Of(Section, "is a byte-level tokenizer with all 256 bytes", true, $"{tokenizer.Count} ids");
        yield return Special(tokenizer, config);
        yield return Expansion(tokenizer, config);
        yield return Contiguous(tokenizer, config);
    }

    private static CheckRow Special(Tokenizer tokenizer, CheckedConfig config)
    {
        var problems = new List<string>();
        var found = new List<string>();
        foreach (var (text, key) in SpecialTokens)
        {
            var ids = string.Join(' ', tokenizer.Encode(text));
            var wanted = config.Tokens.GetValueOrDefault(key, -1);
            found.Add($"{text} {ids}");
            if (ids != $"{wanted}") problems.Add($"{text} is [{ids}], the config says {wanted}");
        }

        return CheckRow.Of(Section, "special strings have the config's ids", problems, string.Join(", ", found));
    }

    private static CheckRow Expansion(Tokenizer tokenizer, CheckedConfig config)
    {
        var picture = $"<|vision_start|>{string.Concat(Enumerable.Repeat("<|image_pad|>", TokensPerPicture))}<|vision_end|>";
        var ids = tokenizer.Encode($"a{string.Concat(Enumerable.Repeat(picture, Pictures))}b");
        var count = ids.Count(id => id == config.ImageToken);
        var starts = Enumerable.Range(1, ids.Length - 1).Count(i => ids[i] == config.ImageToken && ids[i - 1] == config.VisionStartToken);
        return CheckRow.Of(
            Section,
            "an expanded prompt gives one id per picture token, each picture right after its start",
            count == Pictures * TokensPerPicture && starts == Pictures,
            $"{count} of {Pictures * TokensPerPicture} picture ids, {starts} of {Pictures} after a start");
    }

    private static CheckRow Contiguous(Tokenizer tokenizer, CheckedConfig config)
    {
        var holes = Enumerable.Range(0, tokenizer.Count).Where(id => tokenizer.Decode([id]).Length == 0).ToList();
        List<string> problems = [.. holes.Take(5).Select(id => $"id {id} is nobody's")];
        if (tokenizer.Count > config.VocabSize) problems.Add($"{tokenizer.Count} ids do not fit the vocabulary of {config.VocabSize}");
        return CheckRow.Of(Section, "ids are contiguous and fit the vocabulary", problems, $"0 to {tokenizer.Count - 1} of {config.VocabSize}");
    }
}
