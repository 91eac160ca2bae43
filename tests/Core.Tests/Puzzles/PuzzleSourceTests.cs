using Vlm.Cryptogram;
using Vlm.Drawing;
using Vlm.Puzzles;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Core.Tests.Puzzles;

public sealed class PuzzleSourceTests
{
    [Fact]
    public void The_same_seed_and_index_give_the_same_picture_on_every_thread()
    {
        foreach (var split in Enum.GetValues<Split>())
        {
            var first = new PuzzleSource(PuzzleOptions.For(split, 1, 5), 11);
            var second = new PuzzleSource(PuzzleOptions.For(split, 1, 5), 11);
            var expected = Enumerable.Range(0, 12).Select(index => first.At(index)).ToList();

            Parallel.For(0, 24, call =>
            {
                var index = call % 12;
                var puzzle = second.At(index);
                Assert.Equal(expected[index].Code, puzzle.Code);
                Assert.Equal(expected[index].Pairs, puzzle.Pairs);
                Assert.True(expected[index].Picture.Pixels.AsSpan().SequenceEqual(puzzle.Picture.Pixels), $"{split} {index}");
            });
        }
    }

    [Fact]
    public void Messages_and_ciphers_are_the_same_on_every_machine_for_ever()
    {
        var puzzle = new PuzzleSource(PuzzleOptions.For(Split.Clean), 1).At(0);

        Assert.Equal("visitor / d g m g n w l", $"{puzzle.Answer} / {puzzle.Code}");
    }

    [Fact]
    public void Another_seed_another_index_or_another_split_give_another_puzzle()
    {
        var codes = new HashSet<string>();
        foreach (var split in new[] { Split.Train, Split.Clean })
        {
            for (var seed = 0; seed < 3; seed++)
            {
                var source = new PuzzleSource(new PuzzleOptions { Split = split, Pictures = PictureMix.ReferenceOnly }, seed);
                for (var index = 0; index < 50; index++) codes.Add(string.Concat("abcdefghijklmnopqrstuvwxyz".Select(source.At(index).Cipher.Encode)));
            }
        }

        Assert.Equal(300, codes.Count);
    }

    [Fact]
    public void Another_mixture_of_pictures_leaves_the_messages_as_they_are()
    {
        var flat = new PuzzleSource(new PuzzleOptions { Pictures = PictureMix.ReferenceOnly }, 5);
        var mixed = new PuzzleSource(new PuzzleOptions(), 5);

        for (var index = 0; index < 20; index++) Assert.Equal(flat.At(index).Code, mixed.At(index).Code);
    }

    [Fact]
    public void One_two_and_three_words_have_equal_shares()
    {
        var source = new PuzzleSource(PuzzleOptions.For(Split.Clean), 2);
        var words = Enumerable.Range(0, 90).Select(index => source.At(index).Answer.Split(' ').Length).ToList();

        Assert.All(Enumerable.Range(1, 3), count => Assert.InRange(words.Count(word => word == count), 28, 32));
    }

    [Fact]
    public void Only_the_vocabulary_split_uses_held_out_words()
    {
        foreach (var split in new[] { Split.Train, Split.Clean, Split.Fonts, Split.Camera })
            Assert.DoesNotContain(Words(new PuzzleOptions { Split = split, Pictures = PictureMix.ReferenceOnly }), WordList.IsHeldOut);

        Assert.All(Words(PuzzleOptions.For(Split.Vocabulary)), word => Assert.True(WordList.IsHeldOut(word)));
    }

    [Fact]
    public void A_third_of_the_families_is_kept_out_of_training_with_every_face()
    {
        var heldOut = Fonts.Families.Where(family => family.HeldOut).ToList();

        Assert.InRange(heldOut.Count, 0.3 * Fonts.Families.Count, 0.37 * Fonts.Families.Count);
        Assert.Empty(heldOut.SelectMany(family => family.Files).Intersect(Fonts.Families.Where(family => !family.HeldOut).SelectMany(family => family.Files)));
        Assert.Empty(Fonts.More(heldOut: true).SelectMany(faces => faces).Intersect(Fonts.More(heldOut: false).SelectMany(faces => faces)));
    }

    [Fact]
    public void A_wide_sheet_of_every_stratum_has_its_labels_in_the_picture()
    {
        foreach (var stratum in Enum.GetValues<Stratum>())
        {
            var source = new PuzzleSource(PuzzleOptions.For(Split.Wide).Of(stratum), 12);
            for (var index = 0; index < 12; index++)
            {
                var puzzle = source.At(index);
                Assert.All(puzzle.Pairs.Where(pair => !puzzle.Unseen.Contains(pair.Coded, StringComparison.Ordinal)), pair =>
                {
                    Assert.InRange(pair.CentreX, 0, puzzle.Picture.Width);
                    Assert.InRange(pair.CentreY, 0, puzzle.Picture.Height);
                });
            }
        }
    }

    [Fact]
    public void Random_letters_come_in_one_to_three_groups()
    {
        var source = new PuzzleSource(PuzzleOptions.For(Split.Letters), 4);
        var answers = Enumerable.Range(0, 60).Select(index => source.At(index).Answer).ToList();

        Assert.All(answers, answer => Assert.Matches("^[a-z]{3,9}( [a-z]{3,9}){0,2}$", answer));
        Assert.Equal([1, 2, 3], answers.Select(answer => answer.Split(' ').Length).Distinct().Order());
    }

    [Fact]
    public void A_puzzle_is_consistent_in_every_kind()
    {
        var options = new PuzzleOptions { Pictures = new PictureMix { Reference400 = 1, Reference300 = 1, Variant = 1, Camera = 2, Wide = 2 } };
        var source = new PuzzleSource(options, 6);
        var puzzles = Enumerable.Range(0, 90).Select(index => source.At(index)).ToList();

        Assert.Equal(
            [PictureKind.Camera, PictureKind.Reference300, PictureKind.Reference400, PictureKind.Variant, PictureKind.Wide],
            puzzles.Select(puzzle => puzzle.Kind).Distinct().Order(StringComparer.Ordinal));
        Assert.All(puzzles, puzzle =>
        {
            Assert.Equal(puzzle.Code, puzzle.Cipher.EncodeSpaced(puzzle.Answer));
            Assert.Equal(puzzle.Code, Code.Parse(puzzle.Code));
            Assert.Equal(26, puzzle.Pairs.Select(pair => pair.Coded).Distinct().Count());
            Assert.All(puzzle.Pairs, pair => Assert.Equal(pair.Plain, puzzle.Cipher.Decode(pair.Coded)));
            Assert.Equal(puzzle.Kind == PictureKind.Camera, puzzle.Severity > 0);
            Assert.InRange(Math.Max(puzzle.Picture.Width, puzzle.Picture.Height), 200, 1000);
        });
    }

    [Fact]
    public void Labels_lie_on_ink_in_flat_pictures()
    {
        var options = new PuzzleOptions { Pictures = PictureMix.ReferenceOnly with { Reference300 = 1, Variant = 3 } };
        var source = new PuzzleSource(options, 7);
        for (var index = 0; index < 40; index++)
        {
            var puzzle = source.At(index);
            Assert.All(puzzle.Pairs, pair =>
            {
                Assert.InRange(ContrastAround(puzzle.Picture, pair.CodedX, pair.CodedY, 9), 60, 255);
                Assert.InRange(ContrastAround(puzzle.Picture, pair.PlainX, pair.PlainY, 9), 60, 255);
            });
        }
    }

    [Fact]
    public void Labels_go_through_the_cameras_distortion()
    {
        // The geometry of severity 5 without blur and noise: the middle of an l must be inked wherever the sheet lies.
        for (var seed = 0; seed < 40; seed++)
        {
            var rng = SeededRandom.From(seed);
            var style = SheetStyle.Reference400(Fonts.Reference);
            var shot = CameraShot.Draw(rng, 5, 0.3, style) with { Severity = 1, Defocus = 0, Motion = default, Noise = 0, JpegQuality = 0 };
            using var sheet = Sheet.Draw(Cipher.Random(rng), style, 1, rng);
            var map = shot.Place(sheet);
            var picture = new Photograph().Take(sheet, style, shot, map, rng);

            Assert.All(sheet.Labels.SelectMany(pair => new[] { (pair.Coded, pair.CodedX, pair.CodedY), (pair.Plain, pair.PlainX, pair.PlainY) }), letter =>
            {
                var (x, y) = map.Map(letter.Item2, letter.Item3);
                Assert.InRange(x, 0, picture.Width);
                Assert.InRange(y, 0, picture.Height);
                if (letter.Item1 == 'l') Assert.InRange(ContrastAround(picture, x, y, 3), 25, 255);
            });
        }
    }

    [Fact]
    public void All_letters_stay_inside_the_frame_at_every_severity()
    {
        for (var severity = 1; severity <= 5; severity++)
        {
            var source = new PuzzleSource(PuzzleOptions.For(Split.Camera, severity, severity), 8);
            for (var index = 0; index < 15; index++)
            {
                var puzzle = source.At(index);
                Assert.Equal(severity, puzzle.Severity);
                Assert.All(puzzle.Pairs, pair =>
                {
                    Assert.InRange(pair.CodedX, 0, puzzle.Picture.Width);
                    Assert.InRange(pair.PlainX, 0, puzzle.Picture.Width);
                    Assert.InRange(pair.CodedY, 0, puzzle.Picture.Height);
                    Assert.InRange(pair.PlainY, 0, puzzle.Picture.Height);
                });
            }
        }
    }

    [Fact]
    public void The_frames_edge_cuts_no_letter_of_a_whole_picture_at_any_severity()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var rng = SeededRandom.From(seed);
            var style = StyleDraw.Next(rng, Fonts.Training);
            var cipher = Cipher.Random(rng);
            var seen = SheetPicture.Photographed(scale => Sheet.Draw(cipher, style, scale, rng), style, 1 + (seed % 5), 0.5, rng);
            Assert.All(seen.Boxes.SelectMany(boxes => new[] { boxes.Coded, boxes.Plain }), box =>
            {
                Assert.InRange(box.Left, 0, seen.Picture.Width);
                Assert.InRange(box.Top, 0, seen.Picture.Height);
                Assert.InRange(box.Left + box.Width, 0, seen.Picture.Width);
                Assert.InRange(box.Top + box.Height, 0, seen.Picture.Height);
            });
        }
    }

    [Fact]
    public void Severity_zero_draws_flat_sheets()
    {
        var puzzle = new PuzzleSource(PuzzleOptions.For(Split.Camera, 0, 0), 9).At(3);

        Assert.Equal((PictureKind.Variant, 0), (puzzle.Kind, puzzle.Severity));
    }

    [Fact]
    public void A_homography_and_its_inverse_cancel()
    {
        var map = Homography.FromRectangle(400, 300, [(10, 20), (390, 40), (370, 280), (25, 260)]);
        var back = map.Inverse();

        Assert.Equal((10f, 20f), map.Map(0, 0));
        Assert.Equal(370, map.Map(400, 300).X, 3);
        Assert.Equal(260, map.Map(0, 300).Y, 3);
        var (x, y) = map.Map(123, 45);
        Assert.Equal(123, back.Map(x, y).X, 2);
        Assert.Equal(45, back.Map(x, y).Y, 2);
    }

    [Fact]
    public void Wrong_options_are_refused_with_the_value()
    {
        Assert.Contains("6", Refused(new PictureMix { MaxSeverity = 6 }), StringComparison.Ordinal);
        Assert.Contains("4 and 2", Refused(new PictureMix { MinSeverity = 4, MaxSeverity = 2 }), StringComparison.Ordinal);
        Assert.Contains("-1", Refused(new PictureMix { Camera = -1 }), StringComparison.Ordinal);
        Assert.Contains("pictures", Refused(PictureMix.ReferenceOnly with { Reference400 = 0 }), StringComparison.Ordinal);
        Assert.Contains("NaN", Refused(new PictureMix { Variant = double.NaN }), StringComparison.Ordinal);
        Assert.Contains("OtherShapes", Refused(new PictureMix { OtherShapes = 2 }), StringComparison.Ordinal);
    }

    [Fact]
    public void The_random_generator_gives_the_published_numbers_of_its_algorithm()
    {
        // SplitMix64 from 1234567, as in the algorithm's reference implementation.
        var rng = new SeededRandom(1234567);

        Assert.Equal([6457827717110365317ul, 3203168211198807973ul, 9817491932198370423ul], new[] { rng.NextBits(), rng.NextBits(), rng.NextBits() });
    }

    private static string Refused(PictureMix pictures) =>
        Assert.Throws<ArgumentException>(() => new PuzzleSource(new PuzzleOptions { Pictures = pictures }, 1)).Message;

    private static IEnumerable<string> Words(PuzzleOptions options)
    {
        var source = new PuzzleSource(options, 3);
        return Enumerable.Range(0, 40).SelectMany(index => source.At(index).Answer.Split(' '));
    }

    /// <summary>Lightest minus darkest green value within a few pixels of a place.</summary>
    private static int ContrastAround(RgbImage picture, float x, float y, int reach)
    {
        var (low, high) = (255, 0);
        for (var row = Math.Max(0, (int)y - reach); row <= Math.Min(picture.Height - 1, (int)y + reach); row++)
        {
            for (var column = Math.Max(0, (int)x - reach); column <= Math.Min(picture.Width - 1, (int)x + reach); column++)
            {
                var value = picture.Pixels[(((row * picture.Width) + column) * 3) + 1];
                (low, high) = (Math.Min(low, value), Math.Max(high, value));
            }
        }

        return high - low;
    }
}
