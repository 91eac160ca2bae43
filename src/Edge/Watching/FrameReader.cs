using System.Diagnostics;
using Vlm.Cryptogram;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;
using Vlm.Edge.Scenes;
using Vlm.Vision;

namespace Vlm.Edge.Watching;

/// <summary>Looks at a frame: what may be seen of it, and a question about that like any other.</summary>
internal static class FrameReader
{
    // Above it letters of a few pixels are not changed any more.
    private const int Quality = 95;

    /// <summary>Asks what a frame says.</summary>
    /// <param name="look">The frame and the message.</param>
    /// <param name="view">What of the frame may be seen.</param>
    /// <param name="ask">Where questions are answered.</param>
    /// <param name="time">How questions are routed, and the clock of their deadline.</param>
    /// <param name="stop">Ends it.</param>
    public static async Task<Reading> ReadAsync(
        WantedLook look, ViewOptions view, QueryPipeline ask, (RoutingOptions Routing, TimeProvider Clock) time, CancellationToken stop)
    {
        var deadline = new Deadline(time.Clock, time.Clock.GetTimestamp(), TimeSpan.FromSeconds(time.Routing.DeadlineSeconds));
        if (Show(look.Frame.Encoded, view) is not { } picture) return Of(look, ReadingKind.Failed);
        var query = new Query(Guid.NewGuid().ToString("N"), picture, look.Code, time.Routing.Mode, deadline) { IsReadAnew = true };
        return await ask.AskAsync(query, stop) switch
        {
            QueryOutcome.Answered({ Status: AnswerStatus.NoDecoder }) => Of(look, ReadingKind.NoSheet),
            QueryOutcome.Answered({ Status: AnswerStatus.Answered, Text: { } text } answer) => Of(look, ReadingKind.Answer, text) with { Answer = answer },
            QueryOutcome.Answered => Of(look, ReadingKind.Unreadable),
            QueryOutcome.Refused => Of(look, ReadingKind.Failed),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>The picture file that everything else gets: masked, and of a camera without a view of its own the file as it came.</summary>
    /// <returns>Null when it cannot be decoded.</returns>
    public static byte[]? Show(ReadOnlyMemory<byte> encoded, ViewOptions view) => view.IsWhole ? encoded.ToArray() : Draw(encoded, view);

    /// <summary>The same for people: written anew in any case, so that what a camera writes into its files stays here.</summary>
    /// <returns>Null when it cannot be decoded.</returns>
    public static byte[]? Draw(ReadOnlyMemory<byte> encoded, ViewOptions view)
    {
        try
        {
            return ImageCodec.EncodeJpeg(view.Apply(ImageCodec.Read(encoded.Span).Image), Quality);
        }
        catch (PictureException)
        {
            return null;
        }
    }

    private static Reading Of(WantedLook look, ReadingKind kind, string text = "") => new(kind, look.Code, text, FrameNumber.Of(look.Frame));
}
