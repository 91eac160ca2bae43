using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Vlm.Escalation.Settings;

/// <summary><c>escalation.yaml</c>: the only file that knows the YAML package.</summary>
internal static partial class SettingsFile
{
    private const int MaxBytes = 1 << 20;

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="SettingsException">Missing, not YAML, an unknown or repeated key (with its line), or a value out of range (all of them in one message).</exception>
    public static EscalationOptions Load(string path)
    {
        if (!File.Exists(path)) throw new SettingsException($"The configuration '{path}' does not exist. deploy/escalation.yaml is one to start from.");
        if (new FileInfo(path).Length > MaxBytes) throw new SettingsException($"'{path}' has more than {MaxBytes} bytes: that is no configuration.");
        return Parse(File.ReadAllText(path), path);
    }

    /// <summary>The same from text; <paramref name="name"/> stands in messages.</summary>
    public static EscalationOptions Parse(string text, string name)
    {
        EscalationOptions options;
        try
        {
            options = new DeserializerBuilder().WithNamingConvention(UnderscoredNamingConvention.Instance).WithDuplicateKeyChecking().Build()
                .Deserialize<EscalationOptions?>(text) ?? new EscalationOptions();
        }
        catch (YamlException e)
        {
            throw new SettingsException($"{name}:{e.Start.Line}: {Reason(e)}");
        }
        var problems = Problems(options, "").ToArray();
        return problems.Length == 0 ? options : throw new SettingsException($"{name}: {string.Join("; ", problems)}.");
    }

    private static string Reason(YamlException e)
    {
        if (UnknownProperty().Match(e.Message) is { Success: true } unknown) return $"unknown key '{unknown.Groups[1].Value}'.";
        return e.InnerException is { } inner ? $"{e.Message} {inner.Message}" : e.Message;
    }

    private static IEnumerable<string> Problems(object section, string prefix)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(section, new ValidationContext(section), results, validateAllProperties: true);
        foreach (var result in results)
        {
            var key = UnderscoredNamingConvention.Instance.Apply(result.MemberNames.FirstOrDefault() ?? "");
            yield return $"{prefix}{key}: {result.ErrorMessage}";
        }
        if (section is not EscalationOptions options) yield break;
        (string Name, object? Section)[] sections =
            [("model", options.Model), ("keys", options.Keys), ("limits", options.Limits), ("queue", options.Queue), ("idempotency", options.Idempotency)];
        foreach (var (name, each) in sections)
        {
            if (each is null) continue;
            foreach (var problem in Problems(each, name + ".")) yield return problem;
        }
        if (!Uri.TryCreate(options.Listen, UriKind.Absolute, out var listen) || listen.Scheme != Uri.UriSchemeHttp || listen.PathAndQuery != "/")
            yield return $"listen: expected an address such as http://127.0.0.1:8000, found '{options.Listen}'";
    }

    [GeneratedRegex(@"^Property '([^']*)' not found on type")]
    private static partial Regex UnknownProperty();
}
