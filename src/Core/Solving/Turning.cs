using Vlm.Cryptogram;

namespace Vlm.Solving;

/// <summary>A question with its picture as the model sees it, and the reply to it.</summary>
/// <param name="Request">What was asked; of a sheet that hangs sideways, with the picture turned upright.</param>
/// <param name="Read">The picture, ready for prompts.</param>
/// <param name="Prompt">What the model was given.</param>
/// <param name="Reply">What it said.</param>
internal sealed record AskedPicture(SolveRequest Request, ReadPicture Read, Engine.Prompt Prompt, Generation Reply)
{
    /// <summary>Quarter turns clockwise by which the picture was turned, 0 to 3.</summary>
    public int QuarterTurns { get; init; }

    /// <inheritdoc cref="Solution.Sheet"/>
    public SheetLook? Sheet { get; init; }
}

/// <summary>Where letters cannot be read, the picture is turned by quarters: the sheet may hang sideways or upside down.</summary>
internal sealed class Turning(ReplyRunner runner)
{
    /// <summary>The question with its picture upright, and the reply to that; as it was where it is read well enough, or no better in another way.</summary>
    /// <param name="asked">What came of the picture as it is.</param>
    /// <param name="opened">Takes every picture that is made ready; the caller disposes them.</param>
    /// <param name="cancellation">Ends it.</param>
    public AskedPicture Upright(AskedPicture asked, List<ReadPicture> opened, CancellationToken cancellation)
    {
        if (!Sideways.IsWorthATurn(asked.Reply)) return asked;
        AskedPicture[] turned = [.. Enumerable.Range(1, 3).Select(turns => Turn(asked, turns, opened))];
        var seen = runner.Generate(
            [.. turned.Select(way => way.Prompt)],
            [.. turned.Select(way => runner.Options(way.Request) with { LettersOnly = true, OnToken = null })],
            cancellation);
        Generation[] looks = [.. seen.Zip(turned, (look, way) =>
            look with { Timings = look.Timings.And(new GenerationTimings(way.Read.CutTime + way.Read.VisionTime, default)) })];
        if (Sideways.Best(asked.Reply, looks) is not { } best) return asked with { Reply = WithTimeOf(asked.Reply, looks) };
        var way = turned[best];
        var reply = runner.Generate([way.Prompt], [runner.Options(way.Request)], cancellation)[0];
        // The picture that is kept is counted as the first look's picture is; the first look itself is counted here.
        var read = way.Read with { CutTime = asked.Read.CutTime, VisionTime = asked.Read.VisionTime };
        return way with { Read = read, Reply = WithTimeOf(reply, [.. looks, asked.Reply]) };
    }

    private AskedPicture Turn(AskedPicture asked, int turns, List<ReadPicture> opened)
    {
        var question = asked.Request.Question;
        var request = asked.Request with { Question = question with { Picture = question.Picture.Turned(turns) } };
        var read = runner.Read(request.Question.Picture);
        opened.Add(read);
        return asked with { Request = request, Read = read, Prompt = runner.ToPrompt(question.Code, read), QuarterTurns = turns };
    }

    private static Generation WithTimeOf(Generation reply, IReadOnlyList<Generation> others) =>
        reply with { Timings = others.Aggregate(reply.Timings, (sum, other) => sum.And(other.Timings)) };
}

/// <summary>When a picture is worth turning, and which way. Pure.</summary>
internal static class Sideways
{
    // A sheet that hangs upright shows nearly all of its letters. From the side hardly any can be read; upside down many look like others (d and p, n and u).
    private const double Lost = 0.9;

    // What is seen in another way must be that much clearer,
    private const double Clearer = 0.1;

    // and clear: of a picture that does not show all letters there is always a way to turn it in which one more looks like something.
    private const double Clear = 0.8;

    /// <summary>Whether letters were decided and some of them were not seen, or hardly.</summary>
    public static bool IsWorthATurn(Generation reply) =>
        reply.Finish == FinishReason.EndOfText && reply.Reading.Decided.Count > 0 && Clarity(reply) < Lost;

    /// <summary>The look that shows clearly more than the first; null when none does.</summary>
    public static int? Best(Generation first, IReadOnlyList<Generation> turned)
    {
        var best = Enumerable.Range(0, turned.Count).MaxBy(i => Clarity(turned[i]));
        return Clarity(turned[best]) > Math.Max(Clear, Clarity(first) + Clearer) ? best : null;
    }

    /// <summary>The mean belief in letters that are seen, 0 to 1.</summary>
    public static double Clarity(Generation reply)
    {
        var decided = reply.Reading.Decided;
        return decided.Count == 0 ? 0 : decided.Average(letter => letter.Plain == Message.Unseen ? 0 : Math.Exp(letter.LogProbability));
    }
}
