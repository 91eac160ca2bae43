using System.Text.RegularExpressions;

namespace Vlm.Edge.Cameras.Sources;

/// <summary>Takes user and password out of what other programs say.</summary>
/// <param name="secrets">What must not be said; nulls and empty ones are left out.</param>
internal sealed partial class Redaction(params IEnumerable<string?> secrets)
{
    private const string Hidden = "***";

    // The longest first: one may be part of another.
    private readonly string[] _secrets = [.. secrets.OfType<string>().SelectMany(secret => (string[])[secret, Uri.EscapeDataString(secret)])
        .Where(secret => secret.Length > 0).Distinct().OrderByDescending(secret => secret.Length)];

    /// <summary>The text without them, and without whatever stands before an @ in an address.</summary>
    public string Of(string text)
    {
        text = UserInAddress().Replace(text, $"$1{Hidden}@");
        foreach (var secret in _secrets) text = text.Replace(secret, Hidden, StringComparison.Ordinal);
        return text;
    }

    [GeneratedRegex(@"([a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s'""]*@")]
    private static partial Regex UserInAddress();
}
