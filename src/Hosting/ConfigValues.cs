using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Vlm.Hosting;

/// <summary>Single values of a configuration: says what was expected where one makes no sense. Leaves everything else to the package.</summary>
internal sealed class ConfigValues : INodeDeserializer
{
    public bool Deserialize(
        IParser reader, Type expectedType, Func<IParser, Type, object?> nestedObjectDeserializer, out object? value, ObjectDeserializer rootDeserializer)
    {
        value = null;
        var type = Nullable.GetUnderlyingType(expectedType) ?? expectedType;
        if (!type.IsEnum && Expected(type) is null) return false;
        if (!reader.Accept<Scalar>(out var scalar))
        {
            var here = reader.Current!;
            throw new YamlException(here.Start, here.End, $"expected {Expected(type) ?? "one value"}, found a list or a section");
        }
        var isEmpty = scalar.Style == ScalarStyle.Plain && scalar.Value is "" or "~" or "null";
        if (isEmpty && type != expectedType) return false;
        value = type.IsEnum ? Named(type, scalar) : Read(type, scalar);
        reader.MoveNext();
        return true;
    }

    private static string? Expected(Type type) => type == typeof(bool) ? "true or false"
        : type == typeof(int) || type == typeof(long) ? "a whole number"
        : type == typeof(double) || type == typeof(decimal) ? "a number"
        : null;

    private static object Read(Type type, Scalar scalar)
    {
        var (text, culture) = (scalar.Value, CultureInfo.InvariantCulture);
        if (type == typeof(bool) && bool.TryParse(text, out var yes)) return yes;
        if (type == typeof(int) && int.TryParse(text, NumberStyles.AllowLeadingSign, culture, out var number)) return number;
        if (type == typeof(long) && long.TryParse(text, NumberStyles.AllowLeadingSign, culture, out var large)) return large;
        if (type == typeof(double) && double.TryParse(text, NumberStyles.Float, culture, out var real)) return real;
        if (type == typeof(decimal) && decimal.TryParse(text, NumberStyles.Float, culture, out var exact)) return exact;
        throw Wrong(scalar, Expected(type)!);
    }

    private static object Named(Type type, Scalar scalar)
    {
        foreach (var each in Enum.GetValues(type))
        {
            if (HyphenatedNamingConvention.Instance.Apply(each.ToString()!) == scalar.Value) return each;
        }
        throw Wrong(scalar, "one of " + string.Join(", ", Enum.GetNames(type).Select(HyphenatedNamingConvention.Instance.Apply)));
    }

    private static YamlException Wrong(Scalar found, string expected) => new(found.Start, found.End, $"expected {expected}, found '{found.Value}'");
}
