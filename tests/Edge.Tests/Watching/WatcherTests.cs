using Vlm.Edge.Cameras;
using Vlm.Edge.Messages;
using Vlm.Edge.Scenes;
using Vlm.Edge.Tests.Scenes;
using Vlm.Edge.Watching;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Watching;

/// <summary>One camera, from frame to published answer.</summary>
public sealed class WatcherTests : IDisposable
{
    private static readonly DeskScene Empty = new(), Sheet = new() { Sheet = 1 };
    private readonly WatchRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void A_sheet_is_published_after_the_second_equal_reading_and_withdrawn_when_it_is_gone()
    {
        _rig.Show(Sheet, 1);
        Assert.Null(_rig.Published);
        _rig.Show(Sheet, 1);
        Assert.Equal("sheet 1", _rig.Published);
        _rig.Show(Sheet, 20);
        Assert.Equal(2, _rig.Looks);

        _rig.Show(Empty with { Hand = 0.5 });
        _rig.Show(Empty, 5);

        Assert.Null(_rig.Published);
        var id = Assert.IsType<WatchNews.Published>(_rig.News[0]).Answer.Id;
        Assert.Equal([new WatchNews.Withdrawn(WatchRig.Camera, id, WithdrawalReason.SheetGone)], _rig.News.Skip(1));
    }

    [Fact]
    public void One_wrong_reading_is_never_published()
    {
        var reads = 0;
        _rig.Read = scene => (ReadingKind.Answer, ++reads == 2 ? "misread" : $"sheet {scene.Sheet}");

        _rig.Show(Sheet, 10);

        Assert.Equal(["sheet 1"], _rig.News.OfType<WatchNews.Published>().Select(news => news.Answer.Text));
    }

    [Fact]
    public void Another_message_ends_what_is_published_and_the_same_sheet_is_read_with_it()
    {
        _rig.Show(Sheet, 5);
        _rig.Message.Now = new MessageNow("c d");
        _rig.Show(Sheet, 3);

        Assert.Equal(["Published", "Withdrawn", "Published"], _rig.News.Select(news => news.GetType().Name));
        Assert.Equal(WithdrawalReason.MessageChanged, ((WatchNews.Withdrawn)_rig.News[1]).Reason);
        Assert.Equal("c d", ((WatchNews.Published)_rig.News[2]).Code);

        _rig.Message.Now = MessageNow.None;
        _rig.Show(Sheet, 3);
        Assert.Equal(WithdrawalReason.MessageGone, Assert.IsType<WatchNews.Withdrawn>(_rig.News[^1]).Reason);
        Assert.Equal(4, _rig.Looks);
    }

    [Fact]
    public void Damaged_frames_and_those_of_an_earlier_connection_are_not_looked_at()
    {
        _rig.Show(Empty, 3);
        var before = _rig.Looks;
        for (var i = 0; i < 10; i++) _rig.Show(Sheet, FrameIntegrity.Damaged);
        _rig.Show(Empty, FrameIntegrity.Intact, epoch: 2);
        for (var i = 0; i < 10; i++) _rig.Show(Sheet, FrameIntegrity.Intact, epoch: 1);

        Assert.Equal((before, 0), (_rig.Looks, _rig.News.Count));
    }

    [Fact]
    public void A_frame_that_is_old_when_its_turn_comes_is_not_looked_at()
    {
        _rig.Offer(Sheet);
        _rig.Wait(TimeSpan.FromSeconds(11));
        _rig.LookAtDue();
        Assert.Equal(0, _rig.Looks);

        _rig.Show(Sheet, 2);
        Assert.Equal("sheet 1", _rig.Published);
    }

    [Fact]
    public void A_reading_of_a_scene_that_changed_meanwhile_does_not_count()
    {
        _rig.Show(Sheet, 1);
        _rig.Offer(Sheet);
        // The hand comes before the look had its turn.
        _rig.Offer(Sheet with { Hand = 0.4 });
        _rig.LookAtDue();

        Assert.Equal((1, 0), (_rig.Looks, _rig.News.Count));
    }

    [Fact]
    public void A_paused_camera_shows_and_publishes_nothing_and_begins_anew_afterwards()
    {
        _rig.Show(Sheet, 5);
        _rig.Watcher.Pause(true);
        Assert.Equal(WithdrawalReason.Paused, Assert.IsType<WatchNews.Withdrawn>(_rig.News[^1]).Reason);
        _rig.Show(Sheet, 5);
        Assert.Equal((2, null), (_rig.Looks, _rig.Watcher.Newest));

        _rig.Watcher.Pause(false);
        _rig.Show(Sheet, 2);

        Assert.Equal("sheet 1", _rig.Published);
    }

    [Fact]
    public void What_the_larger_model_or_a_person_says_of_a_published_answer_is_published_instead()
    {
        _rig.Show(Sheet, 2);
        var id = ((WatchNews.Published)_rig.News[0]).Answer.Id;

        _rig.Watcher.Correct("another", answer => answer with { Text = "no" });
        _rig.Watcher.Correct(id, answer => answer with { Text = "dog" });
        _rig.Watcher.Correct(id, answer => answer);

        Assert.Equal(["sheet 1", "dog"], _rig.News.Select(news => ((WatchNews.Published)news).Answer.Text));
        Assert.Equal("dog", _rig.Published);
    }

    [Fact]
    public void What_moves_behind_a_mask_is_not_seen()
    {
        using var rig = new WatchRig(view: new ViewOptions { Masks = [new Region { Left = 0, Width = 0.24 }] });
        rig.Show(Sheet, 5);
        for (var i = 0; i < 30; i++) rig.Show(Sheet with { Hand = i % 2 * 0.05 });

        Assert.Equal(2, rig.Looks);
    }

    [Fact]
    public void A_file_that_is_no_picture_is_refused_and_the_next_one_is_taken()
    {
        _rig.Offer("no picture"u8.ToArray());
        _rig.Show(Sheet, 2);

        Assert.Equal("sheet 1", _rig.Published);
    }

    [Fact]
    public void The_desk_of_these_tests_can_be_decoded() => Assert.Equal(Desk.Width, ImageCodec.Decode(Desk.File(Sheet)).Width);
}
