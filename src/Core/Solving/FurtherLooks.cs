using Vlm.Engine;
using Vlm.Vision;

namespace Vlm.Solving;

/// <summary>How many views of a picture were read beside the picture itself, and how many of them alone decide on the same letters as all together.</summary>
/// <param name="Count">0 to <see cref="Views.Count"/>.</param>
/// <param name="Agreeing">0 to <paramref name="Count"/>.</param>
public readonly record struct LookCount(int Count, int Agreeing);

/// <summary>
/// Where letters are still unsure, other views of the picture are read too, one after the other until they are sure, and the letters are decided from all looks,
/// and in the end, where the package says so, with the words they make; a reply that this changes is written anew.
/// </summary>
internal sealed class FurtherLooks(QuestionReader reader)
{
    /// <summary>Takes the looks that are needed.</summary>
    /// <param name="requests">What was asked.</param>
    /// <param name="prompts">What was read first.</param>
    /// <param name="generations">What came of it; replaced where further looks were taken.</param>
    /// <param name="cancellation">Ends all of it.</param>
    public void Take(IReadOnlyList<SolveRequest> requests, Prompt[] prompts, Generation[] generations, CancellationToken cancellation)
    {
        Unsure[] unsure = [.. Enumerable.Range(0, requests.Count).Where(i => generations[i].Finish == FinishReason.EndOfText && LetterDecision.IsOpen(generations[i].Decided))
            .Select(i => new Unsure(i, requests[i], Letters(prompts[i], generations[i]), generations[i].Beliefs))];
        for (var view = 1; view <= Views.Count; view++)
        {
            Unsure[] open = [.. unsure.Where(item => item.IsOpen)];
            if (open.Length == 0) break;
            var looks = Read(open, view, cancellation);
            for (var k = 0; k < open.Length; k++) open[k].Add(looks[k]);
        }

        foreach (var item in unsure) generations[item.Row] = item.Decide(generations[item.Row], reader.LeansOnWords);
        WriteAnew([.. unsure.Where(item => item.IsChanged)], prompts, generations, cancellation);
    }

    private PictureArea? Letters(Prompt prompt, Generation generation)
    {
        var (grid, merge) = (prompt.Pictures[0].Grid, reader.Pictures.MergeSize);
        return Gaze.Over(generation.LookedAt, grid.Rows / merge, grid.Columns / merge);
    }

    private Generation[] Read(Unsure[] open, int view, CancellationToken cancellation)
    {
        var pictures = new List<EncodedPicture>();
        try
        {
            foreach (var item in open) pictures.Add(reader.Encode(Views.Of(item.Request.Question.Picture, view, item.Letters)));
            var looks = reader.Generate(
                [.. open.Zip(pictures, (item, picture) => reader.ToPrompt(item.Request.Question.Code, picture))],
                [.. open.Select(item => reader.Options(item.Request) with { LettersOnly = true })],
                cancellation);
            return [.. looks.Zip(pictures, (look, picture) => look with { Timings = look.Timings.And(new GenerationTimings(picture.CutTime + picture.VisionTime, default)) })];
        }
        finally
        {
            foreach (var picture in pictures) picture.Features.Dispose();
        }
    }

    private void WriteAnew(Unsure[] changed, Prompt[] prompts, Generation[] generations, CancellationToken cancellation)
    {
        if (changed.Length == 0) return;
        var anew = reader.Generate(
            [.. changed.Select(item => prompts[item.Row])],
            [.. changed.Select(item => reader.Options(item.Request, item.Plain))],
            cancellation);
        for (var k = 0; k < changed.Length; k++)
        {
            var before = generations[changed[k].Row];
            generations[changed[k].Row] = anew[k] with
            {
                Decided = before.Decided,
                Beliefs = before.Beliefs,
                LookedAt = before.LookedAt,
                FurtherLooks = before.FurtherLooks,
                LeantOnWords = before.LeantOnWords,
                Timings = before.Timings.And(anew[k].Timings),
            };
        }
    }

    /// <summary>A reply whose letters are unsure, and what all looks say.</summary>
    private sealed class Unsure(int row, SolveRequest request, PictureArea? letters, IReadOnlyList<LetterBelief> first)
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
            if (look.Decided.Count == 0)
            {
                (IsOpen, IsStopped) = (false, look.Finish == FinishReason.Cancelled);
                return;
            }

            _looks.Add(look);
            _beliefs.Add(look.Beliefs);
            _together = LetterDecision.Together(_beliefs);
            _decided = [.. LetterDecision.Decide(_together).Where(letter => request.Question.Code.Contains(letter.Coded, StringComparison.Ordinal))];
            IsOpen = LetterDecision.IsOpen(_decided);
        }

        /// <summary>The reply with what all looks decide; one that was stopped keeps what was written, and is no finished answer.</summary>
        public Generation Decide(Generation reply, bool leansOnWords)
        {
            if (IsStopped) return Unfinished(reply);
            if (_looks.Count == 0) return reply;
            var agreeing = _looks.Count(look => Agrees(look.Decided));
            if (leansOnWords && IsOpen) _decided = WordDecision.Decide(request.Question.Code, _together, _decided);
            IsChanged = !Agrees(reply.Decided);
            return reply with
            {
                Decided = _decided,
                FurtherLooks = new LookCount(_looks.Count, agreeing),
                LeantOnWords = leansOnWords && IsOpen,
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

        private bool Agrees(IReadOnlyList<DecidedLetter> decided) => decided.All(letter => _decided.Any(mine => mine.Coded == letter.Coded && mine.Plain == letter.Plain));
    }
}
