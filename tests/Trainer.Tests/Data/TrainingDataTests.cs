using Vlm.Cryptogram;
using Vlm.Model;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Statistics;
using Vlm.Text;
using Vlm.Trainer.Config;
using Vlm.Trainer.Data;
using Vlm.Vision;

namespace Vlm.Trainer.Tests.Data;

public sealed class TrainingDataTests : IDisposable
{
    private static readonly TrainConfig Config = TrainConfig.Load(Path.Combine(Repository.Root, "configs", "test.json"));
    private readonly string _folder = Directory.CreateTempSubdirectory("tokenizer").FullName;
    private readonly VlmConfig _model = ModelPreset.Config(Config.Model);
    private readonly PictureConfig _pictures = ModelPreset.Pictures(Config) with { MinPixels = 60000, MaxPixels = 64000 };
    private readonly Tokenizer _tokenizer;
    private readonly RowBuilder _rows;

    public TrainingDataTests()
    {
        SmallTokenizer.Write(_folder);
        _tokenizer = Tokenizer.Load(Path.Combine(_folder, "tokenizer.json"));
        _rows = new RowBuilder(_tokenizer, PromptTemplate.Small, _model);
    }

    [Fact]
    public void A_row_is_the_products_prompt_the_expected_reply_and_the_stop_token()
    {
        var puzzle = new PuzzleSource(PuzzleOptions.For(Split.Clean), 1).At(4);
        var picture = LabelledPatches.Of(puzzle, _pictures);
        var row = _rows.WithPicture(0, picture.Patches.Grid, ReplyToLearn.Whole(ShownLetters.Of(puzzle), puzzle.Answer), picture.PairTokens);
        var prompt = PromptTemplate.Small.Text(puzzle.Code, picture.Patches.Grid.MergedTokens(2));
        var reply = ReplyText.MappingLines(puzzle.Code, Message.Spaced(puzzle.Answer)) + ReplyText.Ending(puzzle.Answer);
        Assert.Equal(prompt + reply + "<|im_end|>", _tokenizer.Decode(row.Ids));
        Assert.Equal(_tokenizer.Encode(prompt).Length, row.Roles.TakeWhile(r => r == TokenRole.Given).Count());
    }

    [Fact]
    public void The_pointer_of_a_letter_goes_from_its_arrow_to_the_image_token_that_holds_the_pair()
    {
        var puzzle = new PuzzleSource(PuzzleOptions.For(Split.Clean), 1).At(4);
        var picture = LabelledPatches.Of(puzzle, _pictures);
        var row = _rows.WithPicture(0, picture.Patches.Grid, ReplyToLearn.Whole(ShownLetters.Of(puzzle), puzzle.Answer), picture.PairTokens);
        Assert.Equal(puzzle.Answer.Count(c => c != ' '), row.Pointers.Count);
        var firstImage = Array.IndexOf(row.Ids, _model.ImageTokenId);
        foreach (var (query, key) in row.Pointers)
        {
            Assert.Equal("→", _tokenizer.Decode([row.Ids[query]]));
            var coded = _tokenizer.Decode([row.Ids[query - 1]]).Trim()[0];
            var pair = puzzle.Pairs.Single(p => p.Coded == coded);
            var (column, line) = ((int)(pair.CentreX / puzzle.Picture.Width * 9), (int)(pair.CentreY / puzzle.Picture.Height * 9));
            Assert.Equal(firstImage + line * 9 + column, key);
            Assert.Equal(TokenRole.LookUp, row.Roles[query + 1]);
        }
    }

    [Fact]
    public void A_survey_asks_for_the_letters_outside_the_code_too_and_does_not_teach_to_ask()
    {
        var puzzle = new PuzzleSource(PuzzleOptions.For(Split.Clean), 1).At(4);
        var picture = LabelledPatches.Of(puzzle, _pictures);
        var row = _rows.WithPicture(0, picture.Patches.Grid, ReplyToLearn.Survey(ShownLetters.Of(puzzle), puzzle.Answer), picture.PairTokens);
        var text = _tokenizer.Decode(row.Ids);
        Assert.StartsWith(
            PromptTemplate.Small.Text(puzzle.Code, picture.Patches.Grid.MergedTokens(2))
                + ReplyText.MappingLines(puzzle.Code, Message.Spaced(puzzle.Answer)), text, StringComparison.Ordinal);
        Assert.All(Enumerable.Range('a', 26)
            .Select(letter => (char)letter), letter => Assert.Contains($" {letter}→ {puzzle.Cipher.Decode(letter)}\n", text, StringComparison.Ordinal));
        var outside = 26 - puzzle.Code.Where(char.IsAsciiLetter).Distinct().Count();
        Assert.Equal(puzzle.Answer.Count(c => c != ' ') + outside, row.Roles.Count(role => role == TokenRole.LookUp));
        Assert.DoesNotContain(TokenRole.Copy, row.Roles);
        var prompt = _tokenizer.Encode(PromptTemplate.Small.Text(puzzle.Code, picture.Patches.Grid.MergedTokens(2))).Length;
        Assert.Equal(outside + 1, row.Roles.Skip(prompt).Count(role => role == TokenRole.Given));
    }

    [Fact]
    public void A_letter_that_the_picture_does_not_show_is_learned_as_unseen_and_has_no_place_to_look_at()
    {
        var source = new PuzzleSource(PuzzleOptions.For(Split.Clean) with { Strata = StratumMix.Only(Stratum.Covered) }, 1);
        var puzzle = Enumerable.Range(0, 50).Select(index => source.At(index)).First(puzzle => !puzzle.IsReadable);
        var picture = LabelledPatches.Of(puzzle, _pictures);
        var row = _rows.WithPicture(0, picture.Patches.Grid, ReplyToLearn.Whole(ShownLetters.Of(puzzle), puzzle.Hidden), picture.PairTokens);
        var text = _tokenizer.Decode(row.Ids);
        Assert.EndsWith(
            ReplyText.MappingLines(puzzle.Code, Message.Spaced(puzzle.Answer)) + ReplyText.Ending(puzzle.Answer)
                + "<|im_end|>", text, StringComparison.Ordinal);
        Assert.Equal(
            puzzle.Answer.Count(c => c == Message.Unseen),
                row.Ids.Where((id, t) => id == SmallTokenizer.Id(SmallTokenizer.Unseen) && row.Roles[t] == TokenRole.LookUp).Count());
        Assert.Equal(puzzle.Answer.Count(char.IsAsciiLetterLower), row.Pointers.Count);
        Assert.DoesNotContain(picture.Pairs, pair => puzzle.Unseen.Contains((char)('a' + pair.Coded), StringComparison.Ordinal));
    }

    [Fact]
    public void Of_a_letter_that_people_could_argue_about_nothing_is_learned()
    {
        var source = new PuzzleSource(PuzzleOptions.For(Split.Clean) with { Strata = StratumMix.Only(Stratum.Contradictory) }, 1);
        var puzzle = Enumerable.Range(0, 50).Select(index => source.At(index)).First(puzzle => puzzle.Unclear.Length == 1);
        var picture = LabelledPatches.Of(puzzle, _pictures);
        var row = _rows.WithPicture(0, picture.Patches.Grid, ReplyToLearn.Survey(ShownLetters.Of(puzzle), puzzle.Hidden), picture.PairTokens);
        var line = _tokenizer.Encode($" {puzzle.Unclear}→");
        var at = Enumerable.Range(0, row.Ids.Length - 1).Last(t => row.Ids.AsSpan(t).StartsWith(line));
        Assert.Equal(TokenRole.Given, row.Roles[at + 2]);
        Assert.DoesNotContain(puzzle.Unseen[0], picture.PairTokens.Keys);
    }

    [Fact]
    public void A_stage_without_strata_draws_whole_pictures_and_asks_for_no_unseen_letter()
    {
        var stage = Config.Stages[^1];
        var batch = new BatchMaker(stage, 2, 9, _pictures, _rows).Make(7);
        var puzzle = new PuzzleSource(new PuzzleOptions { Pictures = stage.DrawnPictures }, 9 + 2).At(7 * stage.Pictures);
        Assert.Contains(batch.Pictures, picture => picture.Patches.Values.AsSpan().SequenceEqual(Patches.From(puzzle.Picture, _pictures).Values));
        Assert.DoesNotContain(SmallTokenizer.Id(SmallTokenizer.Unseen), batch.Rows.SelectMany(row => row.Ids));
    }

    [Fact]
    public void A_text_row_has_no_picture_and_does_not_learn_letters_that_nothing_shows()
    {
        var row = _rows.TextOnly(ReplyToLearn.Whole(new ShownLetters(Cipher.Random(new SeededRandom(1))), "cat dog"));
        Assert.DoesNotContain(_model.ImageTokenId, row.Ids);
        Assert.DoesNotContain(TokenRole.LookUp, row.Roles);
        Assert.Equal(6, row.Roles.SkipWhile(r => r == TokenRole.Given).Count(r => r == TokenRole.Given));   // c, a, t, d, o, g
    }

    [Fact]
    public void A_batch_is_the_same_whenever_and_wherever_it_is_made()
    {
        var stage = Config.Stages[^1];
        TrainingBatch Make() => new BatchMaker(stage, 2, 9, _pictures, _rows).Make(7);
        var (a, b) = (Make(), Make());
        Assert.Equal(a.Pictures.SelectMany(p => p.Patches.Values), b.Pictures.SelectMany(p => p.Patches.Values));
        Assert.Equal(a.Rows.SelectMany(r => r.Ids), b.Rows.SelectMany(r => r.Ids));
        Assert.NotEqual(a.Rows.SelectMany(r => r.Ids), new BatchMaker(stage, 2, 9, _pictures, _rows).Make(8).Rows.SelectMany(r => r.Ids));
    }

    [Fact]
    public void The_stream_hands_out_batches_in_order_whatever_thread_made_them()
    {
        var cipher = new Cipher("abcdefghijklmnopqrstuvwxyz");
        using var stream = new BatchStream<TrainingBatch>(
            n => new TrainingBatch([], [_rows.TextOnly(ReplyToLearn.Whole(new ShownLetters(cipher), new string((char)('a' + n), 3)))]), first: 2, drawers: 3);
        for (var n = 2; n < 12; n++) Assert.Contains(new string((char)('a' + n), 3), _tokenizer.Decode(stream.Next().Rows[0].Ids), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_letters_whose_centres_share_a_patch_teach_nothing_there()
    {
        var picture = new RgbImage(280, 280, new byte[280 * 280 * 3]);
        PairLabel Pair(char coded, float x) => new(coded, 'z', x, 5, x + 100, 5, x, 5);
        var puzzle = new Puzzle(
            "a", "b", Cipher.Random(new SeededRandom(1)), picture, [Pair('a', 3), Pair('b', 4), Pair('c', 150), Pair('d', -5)], PictureKind.Variant, 0);
        var labels = LabelledPatches.Of(puzzle, _pictures with { MinPixels = 280 * 280, MaxPixels = 280 * 280 });
        Assert.Equal("c", string.Concat(labels.PairTokens.Keys));
        Assert.Equal([2], labels.Glyphs.Where(g => g.Class < 26).Select(g => g.Class));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
