using System.Text.RegularExpressions;
using Vlm.Hosting;
using YamlDotNet.RepresentationModel;
using YamlDotNet.Serialization.NamingConventions;

namespace Vlm.Edge.Tests;

/// <summary>Whether a shipped configuration says everything that can be said, in settings or behind a #.</summary>
internal static partial class SampleConfig
{
    /// <summary>Settings of a configuration, with sections before them, that a file leaves out.</summary>
    public static IEnumerable<string> Missing(string text, Type config)
    {
        var said = new HashSet<string>();
        var stream = new YamlStream();
        using (var reader = new StringReader(WithAll(text))) stream.Load(reader);
        Add(said, stream.Documents[0].RootNode, "");
        return Settings(config, config, "").Where(setting => !said.Contains(setting));
    }

    /// <summary>The same file with what is behind a # in force.</summary>
    public static string WithAll(string text) => Optional().Replace(text, "$1$2");

    private static IEnumerable<string> Settings(Type section, Type config, string prefix)
    {
        foreach (var property in section.GetProperties().Where(property => property.CanWrite))
        {
            var name = prefix + UnderscoredNamingConvention.Instance.Apply(property.Name);
            var type = property.PropertyType is { IsGenericType: true } list && list.GetGenericTypeDefinition() == typeof(IReadOnlyList<>)
                ? list.GenericTypeArguments[0]
                : property.PropertyType;
            yield return name;
            if (!ConfigChanges.IsSection(type, config)) continue;
            foreach (var inner in Settings(type, config, name + ".")) yield return inner;
        }
    }

    private static void Add(HashSet<string> said, YamlNode node, string prefix)
    {
        if (node is YamlSequenceNode list)
        {
            foreach (var item in list) Add(said, item, prefix);
        }
        if (node is not YamlMappingNode section) return;
        foreach (var (key, value) in section)
        {
            said.Add(prefix + key);
            Add(said, value, $"{prefix}{key}.");
        }
    }

    [GeneratedRegex("(?m)^( *)# (( *- | +)?[a-z_]+:.*)$")]
    private static partial Regex Optional();
}
