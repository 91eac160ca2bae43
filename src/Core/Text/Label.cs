using System.Text.Json;

namespace Vlm.Text;

/// <summary>Names of enum values as other programs read them.</summary>
public static class Label
{
    /// <summary>In snake_case, <c>LowConfidence</c> → <c>low_confidence</c>: metric labels and members of JSON.</summary>
    /// <param name="value">One of the enum's values.</param>
    public static string ToLabel<T>(this T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    /// <summary>In kebab-case, <c>AnswerNow</c> → <c>answer-now</c>: values in configurations and on the command line.</summary>
    /// <param name="value">One of the enum's values.</param>
    public static string ToOption<T>(this T value)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());
}
