using Vlm.Cryptogram;
using Vlm.Hosting;

namespace Vlm.Edge.Messages;

/// <summary>Where the coded message comes from that a camera's sheets are read with: one of the four.</summary>
internal sealed record MessageOptions
{
    /// <summary>The message itself, such as <c>l b p _ o c d</c>.</summary>
    public string? Static { get; init; }

    /// <summary>A text file with the message; read again when it changes. An empty one, or none, is no message.</summary>
    public string? File { get; init; }

    /// <summary>Whom to ask for it over HTTP.</summary>
    public WebhookOptions? Webhook { get; init; }

    /// <summary>A topic of the broker in the section <c>mqtt</c>; its last message counts, an empty one is no message.</summary>
    public string? Topic { get; init; }

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        object?[] all = [Static, File, Webhook, Topic];
        if (all.Count(each => each is not null) != 1) yield return "expected one of static, file, webhook and topic";
        if (Static is { } text && FindProblem(text) is { } problem) yield return $"static: {problem}";
        if (File is { } file && string.IsNullOrWhiteSpace(file)) yield return "file: expected a file, found nothing";
        if (Topic is { } topic && (topic.Length is 0 or > 256 || topic.AsSpan().ContainsAny('+', '#', '\0')))
            yield return $"topic: expected the name of one topic, without + and #, found '{topic}'";
        foreach (var each in Check.Section("webhook", Webhook?.Problems() ?? [])) yield return each;
    }

    private static string? FindProblem(string text)
    {
        try
        {
            _ = Code.Parse(text);
            return null;
        }
        catch (CodeException e)
        {
            return e.Message;
        }
    }
}

/// <summary>A service that says the message: GET, answered with the message as text.</summary>
internal sealed record WebhookOptions
{
    /// <summary>Its address; http or https. It is asked here and nowhere else: redirections are errors.</summary>
    public string Url { get; init; } = "";

    /// <summary>Seconds for which what it said is believed; 0.5 to 86,400; 10 by default.</summary>
    public double EverySeconds { get; init; } = 10;

    /// <summary>File with the key that is sent as bearer token; read at every request. None by default.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Whatever is wrong with these options, in words.</summary>
    public IEnumerable<string> Problems()
    {
        if (!Uri.TryCreate(Url, UriKind.Absolute, out var url) || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps))
            yield return $"url: expected an address such as http://10.0.0.5/message, found '{Url}'";
        else if (url.UserInfo.Length > 0)
            yield return "url: a password in the address ends in logs; expected key_file";
        if (KeyFile is { } file && !System.IO.File.Exists(file)) yield return $"key_file: there is no file '{file}'";
        foreach (var problem in Check.Ranges(("every_seconds", EverySeconds, 0.5, 86_400))) yield return problem;
    }
}
