using System.Collections;
using System.Reflection;
using YamlDotNet.Serialization.NamingConventions;

namespace Vlm.Hosting;

/// <summary>What a configuration says, setting by setting.</summary>
public static class ConfigChanges
{
    /// <summary>Every setting with its value: names as in the file, sections with dots between, lists numbered.</summary>
    /// <remarks>A setting is a property that can be written; a section is a record of the same program, or of this project.</remarks>
    public static IReadOnlyDictionary<string, string> Settings(object config)
    {
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Add(settings, config, "");
        return settings;
    }

    /// <summary>Names of the settings that differ.</summary>
    public static IReadOnlyList<string> Between(object before, object after)
    {
        var (old, now) = (Settings(before), Settings(after));
        return [.. old.Keys.Union(now.Keys).Where(name => old.GetValueOrDefault(name) != now.GetValueOrDefault(name)).Order(StringComparer.Ordinal)];
    }

    /// <summary>Whether a type is a section and no value.</summary>
    public static bool IsSection(Type type, Type config) =>
        !type.IsValueType && (type.Assembly == config.Assembly || type.Assembly == typeof(ConfigChanges).Assembly);

    private static void Add(SortedDictionary<string, string> settings, object section, string prefix)
    {
        foreach (var property in section.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite))
        {
            var name = prefix + UnderscoredNamingConvention.Instance.Apply(property.Name);
            AddValue(settings, property.GetValue(section), name, section.GetType());
        }
    }

    private static void AddValue(SortedDictionary<string, string> settings, object? value, string name, Type owner)
    {
        switch (value)
        {
            case null:
                settings[name] = "";
                break;
            case not string and IEnumerable list:
                settings[name] = "";
                foreach (var (index, item) in list.Cast<object?>().Index()) AddValue(settings, item, $"{name}[{index}]", owner);
                break;
            case not null when IsSection(value.GetType(), owner):
                Add(settings, value, name + ".");
                break;
            default:
                settings[name] = Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) ?? "";
                break;
        }
    }
}
