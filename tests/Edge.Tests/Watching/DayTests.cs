using Vlm.Edge.Cameras;
using Vlm.Edge.Scenes;
using Vlm.Edge.Tests.Scenes;
using Vlm.Edge.Watching;
using Vlm.Statistics;

namespace Vlm.Edge.Tests.Watching;

/// <summary>A picture of a real box's day: a thousand scenes before one camera, with what must be published and what must not.</summary>
public sealed class DayTests
{
    private const int Scenes = 1000;

    [Fact]
    public void A_thousand_scenes_publish_what_lies_there_and_nothing_else()
    {
        using var rig = new WatchRig(new LookOptions { PerMinute = 600 });
        var (random, misread) = (SeededRandom.From(13), SeededRandom.From(14));
        var rightly = rig.Read;
        // One look in sixteen is misread, each time otherwise.
        rig.Read = scene => scene.Sheet > 0 && misread.Next(16) == 0 ? (ReadingKind.Answer, $"misread {rig.Looks}") : rightly(scene);
        var day = new Day(rig);
        var kinds = new Dictionary<string, int>();
        for (var i = 0; i < Scenes; i++)
        {
            var kind = day.Play(random);
            kinds[kind] = kinds.GetValueOrDefault(kind) + 1;
            Assert.True(rig.Published == day.Expected, $"scene {i} ({kind}): published '{rig.Published}', expected '{day.Expected}'");
        }

        Assert.All(kinds.Values, count => Assert.InRange(count, 40, Scenes));
        Assert.Equal(day.News, rig.News.Select(news => news is WatchNews.Published(_, var answer, _) ? answer.Text! : "-"));
        // The gate is there to save work: a small part of the frames is looked at.
        Assert.InRange(rig.Looks, Scenes, day.Frames / 3);
    }

    /// <summary>Plays scenes, and knows what they must come to.</summary>
    private sealed class Day(WatchRig rig)
    {
        private DeskScene _desk = new();
        private int _sheets;

        /// <summary>What must be published now.</summary>
        public string? Expected { get; private set; }

        /// <summary>All that must have been published until now; - for a withdrawal.</summary>
        public List<string> News { get; } = [];

        public int Frames { get; private set; }

        public string Play(SeededRandom random)
        {
            switch (random.Next(10))
            {
                case 0:
                    return Still(random, "nothing happens");
                case 1:
                    Hand(random);
                    Become(_desk with { Sheet = 0, IsCovered = false }, random);
                    return "the sheet is taken away";
                case 2 or 3:
                    Hand(random);
                    Become(_desk with { Sheet = ++_sheets, IsCovered = false, Quarters = 0 }, random);
                    return "another sheet is put there";
                case 4:
                    Become(_desk with { Sheet = ++_sheets, IsCovered = false, Quarters = random.Next(4) }, random);
                    return "the sheet is exchanged between two frames";
                case 5:
                    Hand(random);
                    Become(_desk with { Quarters = random.Next(4), IsCovered = false }, random);
                    return "the sheet is turned";
                case 6:
                    Hand(random);
                    Become(_desk with { IsCovered = true }, random);
                    return "the sheet is covered";
                case 7:
                    Become(_desk with { IsNight = !_desk.IsNight }, random);
                    return "the camera switches between day and night";
                case 8:
                    for (var i = 0; i < 12; i++) Show(_desk with { Light = _desk.Light * (1 + (0.006 * (i % 6))) });
                    return Still(random, "clouds pass");
                default:
                    for (var i = 0; i < 4; i++) rig.Show(_desk with { Sheet = 999, IsNight = !_desk.IsNight }, FrameIntegrity.Damaged);
                    return Still(random, "the camera smears");
            }
        }

        private string Still(SeededRandom random, string kind)
        {
            Become(_desk, random);
            return kind;
        }

        private void Hand(SeededRandom random)
        {
            for (var i = random.Next(2); i < 5; i++) Show(_desk with { Hand = 0.1 + (0.18 * i) });
        }

        /// <summary>So it is from now on, for long enough.</summary>
        private void Become(DeskScene desk, SeededRandom random)
        {
            _desk = desk;
            for (var i = 0; i < 13 + random.Next(3); i++) Show(_desk);
            var next = _desk switch
            {
                { Sheet: 0 } => null,
                { IsCovered: true } => Expected,
                _ => $"sheet {_desk.Sheet}",
            };
            if (next != Expected) News.Add(next ?? "-");
            Expected = next;
        }

        private void Show(DeskScene scene) => rig.Show(scene with { Noise = ++Frames % 5 });
    }
}
