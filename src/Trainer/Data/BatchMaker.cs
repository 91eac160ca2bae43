using Vlm.Cryptogram;
using Vlm.Puzzles;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Trainer.Data;

/// <summary>Makes the batches of one stage; batch n depends on nothing but the configuration and n.</summary>
internal sealed class BatchMaker(StageConfig stage, int stageIndex, long seed, PictureConfig pictures, RowBuilder rows)
{
    private readonly PuzzleSource source = new(new PuzzleOptions { Pictures = stage.DrawnPictures }, seed + stageIndex);

    /// <summary>Batch <paramref name="n"/>.</summary>
    public TrainingBatch Make(long n)
    {
        var puzzles = Enumerable.Range(0, stage.Pictures).Select(i => source.At(n * stage.Pictures + i)).ToList();
        var labelled = puzzles.Select(p => (Puzzle: p, Picture: LabelledPatches.Of(p, pictures)))
            .OrderBy(p => p.Picture.Patches.Grid.Rows).ThenBy(p => p.Picture.Patches.Grid.Columns).ToList();   // equal grids side by side
        var random = SeededRandom.From(seed, stageIndex, n);
        var sequences = stage.Reply == ReplyKind.None ? [] : Sequences(labelled, (int)(n % stage.Messages.MostWords) + 1, random);
        return new TrainingBatch([.. labelled.Select(p => p.Picture)], sequences);
    }

    /// <summary>All messages of a batch have the same number of words, so that little is padded.</summary>
    private List<TrainingRow> Sequences(List<(Puzzle Puzzle, LabelledPatches Picture)> pictures, int words, SeededRandom random)
    {
        var sequences = new List<TrainingRow>();
        for (var p = 0; p < pictures.Count; p++)
            for (var i = 0; i < stage.RepliesPerPicture; i++)
            {
                var text = Text(pictures[p].Puzzle.Cipher, words, random);
                sequences.Add(rows.WithPicture(p, pictures[p].Picture.Patches.Grid, text, pictures[p].Picture.PairTokens));
            }
        // A word more than the others: without image tokens there is room for it, and longer messages are harder to copy.
        for (var i = 0; i < stage.TextRows; i++)
            sequences.Add(rows.TextOnly(ReplyToLearn.Whole(Cipher.Random(random), TrainingMessages.Draw(random, stage.Messages, words + 1))));
        return sequences;
    }

    private ReplyToLearn Text(Cipher cipher, int words, SeededRandom random)
    {
        if (stage.Reply == ReplyKind.Mapping) return ReplyToLearn.Mapping(cipher, TrainingMessages.AllLetters(random));
        // No draw without surveys: the batches of earlier configurations stay what they were.
        var isSurvey = stage.Surveys > 0 && random.Chance(stage.Surveys);
        var message = TrainingMessages.Draw(random, stage.Messages, words);
        return isSurvey ? ReplyToLearn.Survey(cipher, message) : ReplyToLearn.Whole(cipher, message);
    }
}
