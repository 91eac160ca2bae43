using System.Globalization;
using Vlm.Cryptogram;
using Vlm.Edge.Answers;
using Vlm.Text;

namespace Vlm.Edge.Page;

/// <summary>What the page says in words. Pure.</summary>
internal static class PageText
{
    private const int Longest = 90, LongestSentence = 300;

    /// <summary>A time span in its largest unit: <c>3 min</c>.</summary>
    public static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 60 } => $"{Math.Max(0, (int)span.TotalSeconds)} s",
        { TotalMinutes: < 60 } => $"{(int)span.TotalMinutes} min",
        { TotalHours: < 48 } => $"{(int)span.TotalHours} h",
        _ => $"{(int)span.TotalDays} days",
    };

    /// <summary>When something was, seen from now.</summary>
    public static Html When(DateTimeOffset at, DateTimeOffset now)
    {
        var full = at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
        var exact = at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        return Html.Of($"<time datetime=\"{exact}\" title=\"{full}\">{Span(now - at)} ago</time>");
    }

    /// <summary>The beginning of a long text.</summary>
    public static string Short(string text) => Cut(text, Longest);

    /// <summary>The same for what is to be read as a whole, such as what is wrong.</summary>
    public static string Sentence(string text) => Cut(text, LongestSentence);

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..most] + "…";

    /// <summary>What the picture says, as far as the box knows.</summary>
    public static string Answer(Answer? answer) => answer switch
    {
        null => "not kept",
        { Status: AnswerStatus.NoDecoder } => "no decoder in the picture",
        { Text: null } => "nothing could be read",
        { Text: var text } => Short(text),
    };

    /// <summary>How sure it is.</summary>
    public static string Confidence(Answer? answer) =>
        answer?.Confidence is { } confidence ? confidence.ToString("P1", CultureInfo.InvariantCulture) : "unknown";

    /// <summary>Who said so.</summary>
    public static string By(Answer? answer) => answer?.By switch
    {
        AnsweredBy.Edge => "this box",
        AnsweredBy.Escalation => "larger model",
        AnsweredBy.Cache => "as before",
        _ => "",
    };

    /// <summary>How far it can be trusted, and what came after.</summary>
    public static string Standing(StoredAnswer stored) => stored switch
    {
        { Review: { } review } => review.Agrees ? $"reviewed by {review.By}: right" : Short($"reviewed by {review.By}: {review.Text}"),
        { Correction: { Agrees: true } } => "the larger model agrees",
        { Correction: { } correction } => Short($"the larger model says: {correction.Text}"),
        { Failure: { } failure } => Short($"no better answer: {failure}"),
        { Answer.CorrectionId: not null } => "the larger model is still to be asked",
        { Answer.IsCertified: true } => "certified",
        { Answer.Degraded: { } degraded } => $"not certain: {degraded.ToLabel().Replace('_', ' ')}",
        _ => "not certified",
    };
}
