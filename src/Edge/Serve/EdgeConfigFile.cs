using System.Text.Json;
using System.Text.RegularExpressions;
using Vlm.Edge.Escalations;
using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Vlm.Edge.Serve;

/// <summary>Reads <c>edge.yaml</c>; the only file that knows the YAML package.</summary>
internal static partial class EdgeConfigFile
{
    private const int MostBytes = 1 << 20;

    /// <summary>Reads and checks a configuration.</summary>
    /// <exception cref="ConfigException">Missing, not YAML, an unknown key (with its line), or values out of range (all of them).</exception>
    public static EdgeConfig Load(string path)
    {
        if (!File.Exists(path)) throw new ConfigException($"The configuration '{path}' does not exist. deploy/edge.yaml is one to start from.");
        if (new FileInfo(path).Length > MostBytes) throw new ConfigException($"'{path}' has more than {MostBytes} bytes; it is no configuration.");
        var config = Parse(File.ReadAllText(path), path);
        var problems = config.Problems().ToArray();
        return problems.Length == 0 ? config : throw new ConfigException($"'{path}' cannot be used:\n  {string.Join("\n  ", problems)}");
    }

    /// <summary>A value as it is spelt in the file.</summary>
    public static string Name<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    private static EdgeConfig Parse(string text, string path)
    {
        try
        {
            return Reader().Deserialize<EdgeConfig?>(text) ?? new EdgeConfig();
        }
        catch (YamlException e)
        {
            var line = text.Split('\n').ElementAtOrDefault((int)e.Start.Line - 1)?.Trim();
            throw new ConfigException($"'{path}', line {e.Start.Line} ('{line}'): {Reason(e)}");
        }
    }

    private static IDeserializer Reader() => new DeserializerBuilder()
        .WithNamingConvention(UnderscoredNamingConvention.Instance)
        .WithEnumNamingConvention(HyphenatedNamingConvention.Instance)
        .WithTypeMapping<IReadOnlyList<EndpointOptions>, List<EndpointOptions>>()
        .WithTypeMapping<IReadOnlyList<Region>, List<Region>>()
        .WithDuplicateKeyChecking()
        .Build();

    private static string Reason(YamlException e)
    {
        if (UnknownKey().Match(e.Message) is { Success: true } unknown) return $"there is no option '{unknown.Groups[1].Value}' here. Is it misspelt?";
        return e.InnerException is { } inner ? $"{e.Message} {inner.Message}" : e.Message;
    }

    [GeneratedRegex(@"^Property '([^']*)' not found on type")]
    private static partial Regex UnknownKey();
}
