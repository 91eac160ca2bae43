using Vlm.Cryptogram;
using Vlm.Puzzles;
using Vlm.Statistics;
using Vlm.Trainer.Config;
using Vlm.Vision;

namespace Vlm.Trainer.Data;

/// <summary>Makes the batches of one stage; batch n depends on nothing but the configuration and n.</summary>
internal sealed class BatchMaker(StageConfig stage, int stageIndex, long seed, PictureConfig pictures, RowBuilder rows)
{
    /// <summary>Share of the text rows with unseen letters, and of the messages about a picture with unseen letters that turn on one.</summary>
    private const double UnseenInText = 0.35, Trapped = 0.5;

    private const int MostDraws = 50;

    private readonly PuzzleSource _source = new(new PuzzleOptions { Pictures = stage.DrawnPictures, Strata = stage.Strata }, seed + stageIndex);

    /// <summary>Batch <paramref name="n"/>.</summary>
    public TrainingBatch Make(long n)
    {
        var puzzles = Enumerable.Range(0, stage.Pictures).Select(i => _source.At(n * stage.Pictures + i)).ToList();
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
        {
            for (var i = 0; i < stage.RepliesPerPicture; i++)
            {
                var text = Text(pictures[p].Puzzle, words, random);
                sequences.Add(rows.WithPicture(p, pictures[p].Picture.Patches.Grid, text, pictures[p].Picture.PairTokens));
            }
        }
        // A word more than the others: without image tokens there is room for it, and longer messages are harder to copy.
        for (var i = 0; i < stage.TextRows; i++)
            sequences.Add(rows.TextOnly(ReplyToLearn.Whole(Copied(random), TrainingMessages.Draw(random, stage.Messages, words + 1))));
        return sequences;
    }

    /// <summary>
    /// An alphabet to copy from, with unseen letters now and then where the stage has strata: without them no draw is made, and earlier configurations stay
    /// what
    /// they were.
    /// </summary>
    private ShownLetters Copied(SeededRandom random)
    {
        var cipher = Cipher.Random(random);
        if (stage.Strata == new StratumMix() || !random.Chance(UnseenInText)) return new ShownLetters(cipher);
        var share = random.NextDouble();
        return new ShownLetters(cipher, string.Concat("abcdefghijklmnopqrstuvwxyz".Where(_ => random.Chance(share))));
    }

    private ReplyToLearn Text(Puzzle puzzle, int words, SeededRandom random)
    {
        var shown = ShownLetters.Of(puzzle);
        if (stage.Reply == ReplyKind.Mapping) return ReplyToLearn.Mapping(shown, TrainingMessages.AllLetters(random));
        // No draw without surveys: the batches of earlier configurations stay what they were.
        var isSurvey = stage.Surveys > 0 && random.Chance(stage.Surveys);
        var message = Ask(puzzle, shown, words, random);
        return isSurvey ? ReplyToLearn.Survey(shown, message) : ReplyToLearn.Whole(shown, message);
    }

    /// <summary>A message for a picture. That of a puzzle with unseen letters turns on one of them, in its first word: often that word is asked for.</summary>
    private string Ask(Puzzle puzzle, ShownLetters shown, int words, SeededRandom random)
    {
        var message = TrainingMessages.Draw(random, stage.Messages, words);
        for (var again = 0; again < MostDraws && shown.IsUnclear(message); again++) message = TrainingMessages.Draw(random, stage.Messages, words);
        if (shown.IsUnclear(message)) return puzzle.Hidden;
        if (shown.Unseen.Length is 0 or Cipher.Letters || !random.Chance(Trapped)) return message;
        return string.Join(' ', [puzzle.Hidden.Split(' ')[0], .. message.Split(' ').Skip(1)]);
    }
}
