using Vlm.Engine;
using Vlm.Vision;

namespace Vlm.Solving;

/// <summary>How many views of a picture were read beside the picture itself, and how many of them alone decide on the same letters as all together.</summary>
/// <param name="Count">0 to <see cref="Views.Count"/>.</param>
/// <param name="Agreeing">0 to <paramref name="Count"/>.</param>
public readonly record struct LookCount(int Count, int Agreeing);

/// <summary>
/// Where letters are still unsure, other views of the picture are read too, one after the other until they are sure, and the letters are decided from all
/// looks, and in the end, where the package says so, with the words they make; a reply that this changes is written once more.
/// </summary>
internal sealed class Rereading(ReplyRunner runner)
{
    /// <summary>Takes the further looks that are needed.</summary>
    /// <param name="first">What was asked and what came of it.</param>
    /// <param name="cancellation">Ends all of it.</param>
    /// <returns>The replies after the further looks; those of sure letters as they were.</returns>
    public AskedPicture[] Improve(IReadOnlyList<AskedPicture> first, CancellationToken cancellation)
    {
        UnsureReply[] unsure = [.. Enumerable.Range(0, first.Count).Where(row => IsUnsure(first[row].Reply))
            .Select(row => new UnsureReply(row, first[row].Request, Letters(first[row].Prompt, first[row].Reply), first[row].Reply.Reading.Beliefs))];
        for (var view = 1; view <= Views.Count; view++)
        {
            UnsureReply[] open = [.. unsure.Where(reply => reply.IsOpen)];
            if (open.Length == 0) break;
            foreach (var (reply, look) in open.Zip(Look(open, view, cancellation))) reply.Add(look);
        }

        AskedPicture[] improved = [.. first];
        foreach (var reply in unsure) improved[reply.Row] = first[reply.Row] with { Reply = reply.Decide(first[reply.Row].Reply, runner.LeansOnWords) };
        UnsureReply[] changed = [.. unsure.Where(reply => reply.IsChanged)];
        foreach (var (reply, rewritten) in changed.Zip(Rewrite(changed, improved, cancellation)))
            improved[reply.Row] = improved[reply.Row] with { Reply = rewritten };
        return improved;
    }

    private static bool IsUnsure(Generation generation) =>
        generation.Finish == FinishReason.EndOfText && LetterDecision.IsOpen(generation.Reading.Decided);

    private PictureArea? Letters(Prompt prompt, Generation generation)
    {
        var (grid, merge) = (prompt.Pictures[0].Grid, runner.Pictures.MergeSize);
        return Gaze.Over(generation.Reading.LookedAt, grid.Rows / merge, grid.Columns / merge);
    }

    /// <summary>One view of each picture, read as far as the letters are decided.</summary>
    private Generation[] Look(UnsureReply[] open, int view, CancellationToken cancellation)
    {
        var views = new List<ReadPicture>();
        try
        {
            foreach (var reply in open) views.Add(runner.Read(Views.Of(reply.Request.Question.Picture, view, reply.Letters)));
            var looks = runner.Generate(
                [.. open.Zip(views, (reply, picture) => runner.ToPrompt(reply.Request.Question.Code, picture))],
                [.. open.Select(reply => runner.Options(reply.Request) with { LettersOnly = true })],
                cancellation);
            return [.. looks.Zip(views, (look, read) =>
                look with { Timings = look.Timings.And(new GenerationTimings(read.CutTime + read.VisionTime, default)) })];
        }
        finally
        {
            foreach (var read in views) read.Picture.Dispose();
        }
    }

    /// <summary>The replies with the letters that all looks decide.</summary>
    private Generation[] Rewrite(UnsureReply[] changed, AskedPicture[] before, CancellationToken cancellation)
    {
        if (changed.Length == 0) return [];
        var rewritten = runner.Generate(
            [.. changed.Select(reply => before[reply.Row].Prompt)],
            [.. changed.Select(reply => runner.Options(reply.Request, reply.Plain))],
            cancellation);
        return [.. changed.Zip(rewritten, (reply, generation) => generation with
        {
            Reading = before[reply.Row].Reply.Reading,
            Timings = before[reply.Row].Reply.Timings.And(generation.Timings),
        })];
    }

    /// <summary>A reply whose letters are unsure, and what all looks say.</summary>
    private sealed class UnsureReply(int row, SolveRequest request, PictureArea? letters, IReadOnlyList<LetterBelief> first)
    {
        private readonly List<IReadOnlyList<LetterBelief>> _beliefs = [first];
        private readonly List<Generation> _looks = [];
        private IReadOnlyList<LetterBelief> _together = [];
        private IReadOnlyList<DecidedLetter> _decided = [];

        public int Row => row;

        public SolveRequest Request => request;

        public PictureArea? Letters => letters;

        public bool IsOpen { get; private set; } = true;

        public bool IsStopped { get; private set; }

        public bool IsChanged { get; private set; }

        public Dictionary<char, char> Plain => _decided.ToDictionary(letter => letter.Coded, letter => letter.Plain);

        public void Add(Generation look)
        {
            // Stopped, or no room: what is known so far has to do.
            if (look.Reading.Decided.Count == 0)
            {
                (IsOpen, IsStopped) = (false, look.Finish == FinishReason.Cancelled);
                return;
            }

            _looks.Add(look);
            _beliefs.Add(look.Reading.Beliefs);
            _together = LetterDecision.Together(_beliefs);
            _decided = [.. LetterDecision.Decide(_together).Where(letter => request.Question.Code.Contains(letter.Coded, StringComparison.Ordinal))];
            IsOpen = LetterDecision.IsOpen(_decided);
        }

        /// <summary>The reply with what all looks decide; one that was stopped keeps what was written, and is no finished answer.</summary>
        public Generation Decide(Generation reply, bool leansOnWords)
        {
            if (IsStopped) return Unfinished(reply);
            if (_looks.Count == 0) return reply;
            var agreeing = _looks.Count(look => Agrees(look.Reading.Decided));
            if (leansOnWords && IsOpen) _decided = WordDecision.Decide(request.Question.Code, _together, _decided);
            IsChanged = !Agrees(reply.Reading.Decided);
            return reply with
            {
                Reading = reply.Reading with
                {
                    Decided = _decided,
                    Together = _together,
                    FurtherLooks = new LookCount(_looks.Count, agreeing),
                    LeantOnWords = leansOnWords && IsOpen,
                },
                Timings = _looks.Aggregate(reply.Timings, (sum, look) => sum.And(look.Timings)),
            };
        }

        private static Generation Unfinished(Generation reply) => reply with
        {
            Choices = [.. reply.Choices.SkipLast(1)],
            Alternatives = [.. reply.Alternatives.SkipLast(1)],
            Attention = reply.Attention is { } attention ? [.. attention.SkipLast(1)] : null,
            Finish = FinishReason.Cancelled,
        };

        private bool Agrees(IReadOnlyList<DecidedLetter> decided) =>
            decided.All(letter => _decided.Any(mine => mine.Coded == letter.Coded && mine.Plain == letter.Plain));
    }
}

/// <summary>Where the letters of a picture are, from where the model looked for them. Pure.</summary>
internal static class Gaze
{
    // Spread wider than this, a look is no place.
    private const float Clear = 0.3f;

    /// <summary>The middles of the outermost blocks of patches that the model clearly looked at; null when there are none.</summary>
    /// <param name="looks">[looks][rows x columns] weights, sum 1.</param>
    /// <param name="rows">Merged blocks from top to bottom.</param>
    /// <param name="columns">Merged blocks from left to right.</param>
    public static PictureArea? Over(IReadOnlyList<float[]> looks, int rows, int columns)
    {
        int[] blocks = [.. looks.Where(weights => weights.Max() >= Clear).Select(weights => Array.IndexOf(weights, weights.Max()))];
        if (blocks.Length == 0) return null;
        double[] x = [.. blocks.Select(block => ((block % columns) + 0.5) / columns)];
        double[] y = [.. blocks.Select(block => ((block / columns) + 0.5) / rows)];
        return new PictureArea(x.Min(), y.Min(), x.Max(), y.Max());
    }
}
