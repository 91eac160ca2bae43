using Vlm.Export.Check;
using Vlm.Export.Options;

namespace Vlm.Export.Tests.Check;

/// <summary>The checks of the package's JSON files on their own: no graph is loaded.</summary>
public sealed class ConfigChecksTests(TinyPackages packages) : IDisposable
{
    private const string GenAi = "genai_config.json";
    private const string IdsClaim = "image, video, vision start, pad and eos ids: given, distinct, in the vocabulary";

    private readonly TempFolder _folder = new();

    [Fact]
    public void The_configuration_of_our_own_package_passes_every_check()
    {
        var rows = ConfigChecks.Run(packages.Package("fp32"), CheckedConfig.Load(packages.Package("fp32"))).ToList();

        Assert.Equal(8, rows.Count);
        Assert.All(rows, row => Assert.True(row.Outcome == Outcome.Passed, row.ToString()));
    }

    [Theory]
    [InlineData("\"search\": {", "\"extra\": {}, \"search\": {", "only keys that GenAI knows, no null", "'extra' at the root")]
    [InlineData("\"top_p\":", "\"top_q\":", "only keys that GenAI knows, no null", "'search.top_q' is unknown")]
    [InlineData("\"filename\": \"vision.onnx\"", "\"filename\": \"../vision.onnx\"", "named files are in the folder", "'../vision.onnx' is missing")]
    [InlineData("\"video_token_id\":", "\"movie_token_id\":", IdsClaim, "'video_token_id' is not given")]
    [InlineData("\"eos_token_id\": 305", "\"eos_token_id\": [305, 999]", IdsClaim, "id 999 is outside")]
    [InlineData("\"context_length\":", "\"context_length\": 0, \"old\":", "lengths: context above 0, max_length within it", "context 0")]
    public void What_is_wrong_is_named(string from, string to, string claim, string found)
    {
        var folder = Copy(GenAi, from, to);

        var row = Assert.Single(ConfigChecks.Run(folder, CheckedConfig.Load(folder)), row => row.Outcome == Outcome.Failed && row.Claim == claim);

        Assert.Contains(found, row.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void A_byte_order_mark_is_found()
    {
        var folder = Copy(GenAi, "", "");
        File.WriteAllBytes(Path.Combine(folder, GenAi), [0xEF, 0xBB, 0xBF, .. File.ReadAllBytes(Path.Combine(folder, GenAi))]);

        Assert.Contains(ConfigChecks.Run(folder, CheckedConfig.Load(folder)), row => row is { Outcome: Outcome.Failed, Found: "byte order mark" });
    }

    [Theory]
    [InlineData("\"vocab_size\":", "\"vocab\":")]
    [InlineData("\"head_size\": 16", "\"head_size\": \"16\"")]
    [InlineData("\"search\"", "search")]
    public void A_configuration_without_what_everything_hangs_on_is_one_error_with_its_path(string from, string to)
    {
        var folder = Copy(GenAi, from, to);

        Assert.Contains(Path.Combine(folder, GenAi), Assert.Throws<ExportException>(() => CheckedConfig.Load(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_configuration_is_no_package()
    {
        var error = Assert.Throws<ExportException>(() => CheckedConfig.Load(_folder["nothing"]));
        Assert.Contains("is not a model package", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_end_of_text_or_several_are_both_read()
    {
        Assert.Equal([305], CheckedConfig.Load(Copy(GenAi, "", "")).EosTokenIds);
        Assert.Equal([305, 304], CheckedConfig.Load(Copy(GenAi, "\"eos_token_id\": 305", "\"eos_token_id\": [305, 304]")).EosTokenIds);
    }

    [Theory]
    [InlineData("\"operation\": {", "\"operation\": { \"type\": \"DecodeImage\" }, \"old\": {", "steps in order, each with a name")]
    [InlineData("\"min_pixels\":", "\"least_pixels\":", "attributes are known, integers and reals spelled as such")]
    [InlineData("\"merge_size\": 2", "\"merge_size\": \"2\"", "has every value that is needed, of its kind")]
    [InlineData("\"smart_resize\": 1", "\"smart_resize\": 0, \"width\": 100, \"height\": 112", "sides are multiples of patch x merge")]
    public void A_spoilt_processor_fails_the_check_that_is_about_it(string from, string to, string claim) =>
        Assert.Contains(ProcessorChecks.Run(Copy("processor_config.json", from, to), null), row => row.Outcome == Outcome.Failed && row.Claim == claim);

    [Fact]
    public void Sides_that_are_multiples_pass_without_smart_resize_too() =>
        Assert.DoesNotContain(
            ProcessorChecks.Run(Copy("processor_config.json", "\"smart_resize\": 1", "\"smart_resize\": 0, \"width\": 56, \"height\": 112"), null),
            row => row.Outcome == Outcome.Failed);

    [Fact]
    public void A_processor_that_is_missing_is_a_failed_check_and_one_that_is_no_json_an_error()
    {
        Assert.Equal(Outcome.Failed, Assert.Single(ProcessorChecks.Run(_folder["nothing"], null)).Outcome);
        var error = Assert.Throws<ExportException>(() => ProcessorChecks.Run(Copy("processor_config.json", "{", "["), null));
        Assert.Contains("is not JSON", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tokenizer_that_is_missing_or_alone_fails()
    {
        var config = CheckedConfig.Load(packages.Package("fp32"));
        Directory.CreateDirectory(_folder["alone"]);
        Assert.Contains("missing", Assert.Single(TokenizerChecks.Run(_folder["alone"], config)).Found, StringComparison.Ordinal);

        File.Copy(Path.Combine(packages.Package("fp32"), "tokenizer.json"), _folder["alone/tokenizer.json"]);
        var failed = Assert.Single(TokenizerChecks.Run(_folder["alone"], config), row => row.Outcome == Outcome.Failed);
        Assert.Equal(("tokenizer_config.json", "is there"), (failed.Section, failed.Claim));
    }

    [Fact]
    public void A_tokenizer_whose_ids_do_not_fit_the_configuration_fails_each_claim_that_breaks()
    {
        var config = CheckedConfig.Load(packages.Package("fp32"));
        var tokens = config.Tokens.ToDictionary(token => token.Key, token => token.Key == "image_token_id" ? 7 : token.Value);
        var moved = config with { Tokens = tokens, VocabSize = 100 };

        var failed = TokenizerChecks.Run(packages.Package("fp32"), moved).Where(row => row.Outcome == Outcome.Failed).ToList();

        Assert.Equal(
            [
                "special strings have the config's ids", "an expanded prompt gives one id per picture token, each picture right after its start",
                "ids are contiguous and fit the vocabulary",
            ],
            failed.Select(row => row.Claim));
        Assert.Contains("<|image_pad|> is [", failed[0].Found, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tokenizer_that_cannot_be_read_is_a_failed_check()
    {
        var folder = Copy("tokenizer.json", "{", "[");
        Assert.Equal(Outcome.Failed, Assert.Single(TokenizerChecks.Run(folder, CheckedConfig.Load(packages.Package("fp32")))).Outcome);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>The files of a package that are no graphs, one of them changed at its first match; the graphs are there by name only.</summary>
    private string Copy(string file, string from, string to)
    {
        var target = _folder[$"copy-{Guid.NewGuid():N}"];
        Directory.CreateDirectory(target);
        foreach (var path in Directory.GetFiles(packages.Package("fp32")))
        {
            var copy = Path.Combine(target, Path.GetFileName(path));
            if (path.EndsWith(".json", StringComparison.Ordinal)) File.Copy(path, copy);
            else File.WriteAllText(copy, "");
        }

        var text = File.ReadAllText(Path.Combine(target, file));
        var at = text.IndexOf(from, StringComparison.Ordinal);
        Assert.True(at >= 0, $"{file} has no {from}");
        File.WriteAllText(Path.Combine(target, file), string.Concat(text.AsSpan(0, at), to, text.AsSpan(at + from.Length)));
        return target;
    }
}
