using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Scenes;
using Vlm.Puzzles;
using Vlm.Statistics;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Scenes;

public sealed class SceneTests
{
    private const int Puzzles = 12;
    private static readonly Puzzle[] Clean = Draw(Split.Clean);
    private static readonly Puzzle[] Camera = Draw(Split.Camera);
    private readonly FakeTimeProvider _clock = new();

    public static TheoryData<string> Splits => ["clean", "camera"];

    [Theory]
    [MemberData(nameof(Splits))]
    public void The_same_scene_is_found_through_compression_noise_and_light(string split)
    {
        foreach (var (picture, i) in Of(split).Select((puzzle, i) => (puzzle.Picture, i)))
        {
            var scene = Scene.From(picture);
            Assert.True(scene.IsSameAs(Scene.From(ImageCodec.Decode(ImageCodec.EncodeJpeg(picture, 70)))));
            var random = SeededRandom.From(i);
            Assert.True(scene.IsSameAs(Scene.From(Changed(picture, value => value + random.Between(-8, 8)))));
            Assert.True(scene.IsSameAs(Scene.From(Changed(picture, value => value - 5))));
        }
    }

    [Theory]
    [MemberData(nameof(Splits))]
    public void Other_ciphers_are_other_scenes(string split)
    {
        var scenes = Of(split).Select(puzzle => Scene.From(puzzle.Picture)).ToArray();
        foreach (var (scene, i) in scenes.Select((scene, i) => (scene, i))) Assert.DoesNotContain(scenes.Skip(i + 1), scene.IsSameAs);
    }

    [Theory]
    [InlineData('c', 'e')]
    [InlineData('i', 'l')]
    [InlineData('h', 'n')]
    [InlineData('u', 'v')]
    [InlineData('o', 'c')]
    public void Two_similar_letters_exchanged_make_another_scene(char one, char other)
    {
        foreach (var puzzle in Clean.Where(puzzle => puzzle.Kind == PictureKind.Reference400))
        {
            var exchanged = Scene.From(Exchanged(puzzle, one, other));
            Assert.False(Scene.From(puzzle.Picture).IsSameAs(exchanged), $"{Scene.From(puzzle.Picture).Difference(exchanged)}");
        }
    }

    [Fact]
    public void An_answer_is_given_again_for_the_same_scene_and_code_until_the_window_ends()
    {
        var cache = new SceneCache<string>(new CacheOptions { WindowSeconds = 60 }, _clock);
        var (scene, other) = (Scene.From(Clean[0].Picture), Scene.From(Clean[1].Picture));
        cache.Add(scene, "a b", "xy");

        Assert.Equal(("xy", null, null), (cache.Find(Scene.From(Clean[0].Picture), "a b"), cache.Find(scene, "a c"), cache.Find(other, "a b")));
        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal("xy", cache.Find(scene, "a b"));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(cache.Find(scene, "a b"));
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public void The_oldest_answer_makes_room_and_the_newest_of_two_counts()
    {
        var cache = new SceneCache<string>(new CacheOptions { Entries = 2 }, _clock);
        var scene = Scene.From(Clean[0].Picture);
        cache.Add(scene, "a", "first");
        cache.Add(scene, "b", "old");
        cache.Add(scene, "b", "new");

        Assert.Equal((null, "new", 2), (cache.Find(scene, "a"), cache.Find(scene, "b"), cache.Count));
    }

    [Fact]
    public void A_window_of_zero_keeps_nothing()
    {
        var cache = new SceneCache<string>(new CacheOptions { WindowSeconds = 0 }, _clock);
        cache.Add(Scene.From(Clean[0].Picture), "a", "x");

        Assert.Equal(0, cache.Count);
    }

    private static Puzzle[] Of(string split) => split == "clean" ? Clean : Camera;

    private static Puzzle[] Draw(Split split)
    {
        var source = new PuzzleSource(PuzzleOptions.For(split), 5);
        return [.. Enumerable.Range(0, Puzzles).Select(i => source.At(i))];
    }

    private static RgbImage Changed(RgbImage picture, Func<byte, int> change) =>
        new(picture.Width, picture.Height, [.. picture.Pixels.Select(value => (byte)Math.Clamp(change(value), 0, 255))]);

    /// <summary>The picture with the boxes around two plain letters exchanged.</summary>
    private static RgbImage Exchanged(Puzzle puzzle, char one, char other)
    {
        const int Box = 14;
        var pixels = puzzle.Picture.Pixels.ToArray();
        var (a, b) = (puzzle.Pairs.Single(pair => pair.Plain == one), puzzle.Pairs.Single(pair => pair.Plain == other));
        for (var y = 0; y < Box; y++)
        {
            for (var x = 0; x < Box * 3; x++)
            {
                var (from, to) = (At(a, y) + x, At(b, y) + x);
                (pixels[from], pixels[to]) = (pixels[to], pixels[from]);
            }
        }
        return new RgbImage(puzzle.Picture.Width, puzzle.Picture.Height, pixels);

        int At(PairLabel pair, int y) => ((((int)pair.PlainY - (Box / 2) + y) * puzzle.Picture.Width) + (int)pair.PlainX - (Box / 2)) * 3;
    }
}
