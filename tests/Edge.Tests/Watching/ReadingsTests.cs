using FsCheck;
using FsCheck.Fluent;
using Vlm.Edge.Watching;

namespace Vlm.Edge.Tests.Watching;

/// <summary>An answer is published once it was read often enough of different frames, and stands until it holds no longer.</summary>
public sealed class ReadingsTests
{
    [Fact]
    public void The_second_equal_reading_of_another_frame_is_published_and_the_third_is_no_news()
    {
        var (once, first) = Readings.None.Begin(2).Take(Answer("cat", 1), 2);
        var (_, same) = once.Take(Answer("cat", 1), 2);
        var (twice, second) = once.Take(Answer("cat", 2), 2);
        var (_, third) = twice.Begin(2).Take(Answer("cat", 3), 2).Next.Take(Answer("cat", 4), 2);

        Assert.Equal((ReadingOutcome.MoreNeeded, ReadingOutcome.MoreNeeded, ReadingOutcome.Published, ReadingOutcome.Unchanged), (first, same, second, third));
        Assert.Equal(("cat", false), (twice.Published!.Text, twice.WantsMore));
    }

    [Fact]
    public void A_changed_scene_starts_anew()
    {
        var once = Readings.None.Begin(2).Take(Answer("cat", 1), 2).Next.Begin(2);

        Assert.Equal(ReadingOutcome.MoreNeeded, once.Take(Answer("cat", 2), 2).Outcome);
    }

    [Fact]
    public void Readings_that_differ_are_given_up_in_the_end_and_nothing_is_published()
    {
        var readings = Readings.None.Begin(2);
        var outcomes = new List<ReadingOutcome>();
        for (var i = 0; readings.WantsMore; i++)
        {
            (readings, var outcome) = readings.Take(Answer($"word {i}", i), 2);
            outcomes.Add(outcome);
        }

        Assert.Equal([.. Enumerable.Repeat(ReadingOutcome.MoreNeeded, 7), ReadingOutcome.Unsteady], outcomes);
        Assert.Null(readings.Published);
    }

    [Fact]
    public void The_answer_is_withdrawn_when_the_sheet_is_gone_and_stands_while_it_is_covered()
    {
        var published = Published("cat");

        var (covered, unreadable) = Twice(published, ReadingKind.Unreadable);
        var (gone, withdrawn) = Twice(covered, ReadingKind.NoSheet);
        var (_, still) = Twice(gone, ReadingKind.NoSheet);

        Assert.Equal((ReadingOutcome.Unreadable, "cat"), (unreadable, covered.Published!.Text));
        Assert.Equal((ReadingOutcome.Withdrawn, null, ReadingOutcome.Unchanged), (withdrawn, gone.Published, still));
    }

    [Fact]
    public void That_nobody_could_look_neither_counts_nor_ends_it()
    {
        var readings = Readings.None.Begin(2).Take(Answer("cat", 1), 2).Next;
        for (var i = 0; i < 50; i++) readings = readings.Take(Answer("", 10 + i) with { Kind = ReadingKind.Failed }, 2).Next;

        Assert.Equal(ReadingOutcome.Published, readings.Take(Answer("cat", 99), 2).Outcome);
    }

    [Fact]
    public void What_is_published_was_read_as_often_as_wanted_one_after_the_other_of_different_frames_and_is_news() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Histories(), history =>
        {
            var (needed, steps) = history;
            var readings = Readings.None;
            var run = new List<Reading>();
            Reading? stands = null;
            foreach (var (kind, text, frame, isNew) in steps)
            {
                if (isNew) (readings, _) = (readings.Begin(needed), Clear(run));
                var reading = new Reading(kind, "c", kind == ReadingKind.Answer ? text : "", new FrameNumber(1, frame));
                (readings, var outcome) = readings.Take(reading, needed);
                if (kind != ReadingKind.Failed)
                {
                    if (run.Count > 0 && !run[^1].IsEqualTo(reading)) run.Clear();
                    if (run.Count == 0 || run[^1].Frame != reading.Frame) run.Add(reading);
                }
                switch (outcome)
                {
                    case ReadingOutcome.Published:
                        Assert.Equal(ReadingKind.Answer, kind);
                        Assert.InRange(run.Count, needed, int.MaxValue);
                        Assert.False(stands?.IsEqualTo(reading) ?? false);
                        stands = reading;
                        break;
                    case ReadingOutcome.Withdrawn:
                        Assert.NotNull(stands);
                        Assert.InRange(run.Count, needed, int.MaxValue);
                        stands = null;
                        break;
                }
                Assert.Equal(stands?.Text, readings.Published?.Text);
            }
        }));

    private static bool Clear(List<Reading> run)
    {
        run.Clear();
        return true;
    }

    private static Arbitrary<(int Needed, List<(ReadingKind Kind, string Text, long Frame, bool IsNew)> Steps)> Histories() =>
        (from needed in Gen.Choose(1, 4)
         from steps in (from kind in Gen.Frequency((6, Gen.Constant(ReadingKind.Answer)), (2, Gen.Constant(ReadingKind.NoSheet)),
                            (1, Gen.Constant(ReadingKind.Unreadable)), (1, Gen.Constant(ReadingKind.Failed)))
                        from text in Gen.Elements("cat", "dog")
                        from repeats in Gen.Frequency((4, Gen.Constant(false)), (1, Gen.Constant(true)))
                        from isNew in Gen.Frequency((6, Gen.Constant(false)), (1, Gen.Constant(true)))
                        select (kind, text, repeats, isNew)).ListOf()
         select (needed, Numbered(steps))).ToArbitrary();

    private static List<(ReadingKind, string, long, bool)> Numbered(IEnumerable<(ReadingKind Kind, string Text, bool Repeats, bool IsNew)> steps)
    {
        var frame = 1L;
        return [.. steps.Select(step => (step.Kind, step.Text, step.Repeats ? frame : ++frame, step.IsNew))];
    }

    private static Readings Published(string text) => Readings.None.Begin(2).Take(Answer(text, 1), 2).Next.Take(Answer(text, 2), 2).Next;

    private static (Readings Next, ReadingOutcome Outcome) Twice(Readings readings, ReadingKind kind) =>
        readings.Begin(2).Take(Answer("", 3) with { Kind = kind }, 2).Next.Take(Answer("", 4) with { Kind = kind }, 2);

    private static Reading Answer(string text, long frame) => new(ReadingKind.Answer, "c a t", text, new FrameNumber(1, frame));
}
