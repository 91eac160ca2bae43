using System.Reflection;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Vlm.Hosting;

/// <summary>A configuration that cannot be used; the message is for the operator and says everything that is wrong with it.</summary>
public sealed class ConfigException(string message) : UsageException(message);

/// <summary>Reads the YAML configuration of a service; with <see cref="ConfigValues"/> the only files that know the YAML package.</summary>
public static partial class ConfigFile
{
    private const int MaxBytes = 1 << 20;

    /// <summary>Reads and checks a configuration: keys in snake_case, values of enums in kebab-case.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sample">A file to start from, for the error when there is none.</param>
    /// <exception cref="ConfigException">Missing, not YAML, an unknown or repeated key (with its line), or values out of range (all of them).</exception>
    public static T Load<T>(string path, string sample)
        where T : class, IChecked, new()
    {
        if (Directory.Exists(path)) throw new ConfigException($"The configuration '{path}' is a folder; give the file in it. {sample} is one to start from.");
        if (!File.Exists(path)) throw new ConfigException($"The configuration '{path}' does not exist. {sample} is one to start from.");
        if (new FileInfo(path).Length > MaxBytes) throw new ConfigException($"'{path}' has more than {MaxBytes} bytes; it is no configuration.");
        return Parse<T>(File.ReadAllText(path), path);
    }

    /// <summary>The same from text; <paramref name="name"/> stands in messages.</summary>
    /// <exception cref="ConfigException">As above.</exception>
    public static T Parse<T>(string text, string name)
        where T : class, IChecked, new()
    {
        T options;
        try
        {
            options = Reader().Deserialize<T?>(text) ?? new T();
        }
        catch (YamlException e)
        {
            var line = text.Split('\n').ElementAtOrDefault((int)e.Start.Line - 1)?.Trim();
            throw new ConfigException($"'{name}', line {e.Start.Line} ('{line}'): {Reason(e)}");
        }
        var empty = Empty(options, "").ToArray();
        var problems = empty.Length > 0 ? empty : [.. options.Problems()];
        return problems.Length == 0 ? options : throw new ConfigException($"'{name}' cannot be used:\n  {string.Join("\n  ", problems)}");
    }

    private static IDeserializer Reader() => new DeserializerBuilder()
        .WithNamingConvention(UnderscoredNamingConvention.Instance)
        .WithEnumNamingConvention(HyphenatedNamingConvention.Instance)
        .WithNodeTypeResolver(new Lists())
        .WithNodeDeserializer(new ConfigValues(), where => where.OnTop())
        .WithDuplicateKeyChecking()
        .Build();

    private static string Reason(YamlException e)
    {
        if (UnknownKey().Match(e.Message) is { Success: true } unknown) return $"there is no option '{unknown.Groups[1].Value}' here. Is it misspelt?";
        if (e.InnerException is YamlException inner) return Reason(inner);
        // The package's own words name types of this program.
        return e.Message.Contains("deserializ", StringComparison.OrdinalIgnoreCase) || e.Message.StartsWith("Expected '", StringComparison.Ordinal)
            ? "this is not of the form that is expected here: names with values, a list, or one value"
            : e.Message;
    }

    /// <summary>Options that are named without a value and need one: YAML makes a null of them, which no check expects.</summary>
    private static IEnumerable<string> Empty(object section, string prefix)
    {
        var nullability = new NullabilityInfoContext();
        foreach (var property in section.GetType().GetProperties().Where(property => property.CanWrite && !property.PropertyType.IsValueType))
        {
            var name = prefix + UnderscoredNamingConvention.Instance.Apply(property.Name);
            var value = property.GetValue(section);
            if (value is null && nullability.Create(property).WriteState == NullabilityState.NotNull)
                yield return $"{name}: expected a value, found nothing; give one or leave the key out";
            if (value is null || value.GetType().Assembly != section.GetType().Assembly) continue;
            foreach (var problem in Empty(value, $"{name}: ")) yield return problem;
        }
    }

    [GeneratedRegex(@"^Property '([^']*)' not found on type")]
    private static partial Regex UnknownKey();

    /// <summary>Lists that nobody changes are read as lists.</summary>
    private sealed class Lists : INodeTypeResolver
    {
        public bool Resolve(NodeEvent? nodeEvent, ref Type currentType)
        {
            if (!currentType.IsGenericType || currentType.GetGenericTypeDefinition() != typeof(IReadOnlyList<>)) return false;
            currentType = typeof(List<>).MakeGenericType(currentType.GenericTypeArguments);
            return true;
        }
    }
}
