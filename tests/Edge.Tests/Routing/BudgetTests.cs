using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Time.Testing;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Tests.Routing;

public sealed class BudgetTests : IDisposable
{
    private readonly TestFiles _files = new();
    private readonly List<string> _alarms = [];
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 24, 9, 0, 0, TimeSpan.Zero));

    private static BudgetOptions Wide => new() { CallsPerMinute = 60, Burst = 5, CallsPerDay = 1000, BytesPerDay = 1_000_000, MoneyPerDay = 1000 };

    [Fact]
    public void A_burst_is_granted_and_then_the_rate_holds()
    {
        var budget = Open(Wide);

        Assert.Equal([.. Enumerable.Repeat(BudgetVerdict.Granted, 5), BudgetVerdict.Rate], Enumerable.Range(0, 6).Select(_ => budget.TryTake(1)));
        _clock.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Equal(BudgetVerdict.Rate, budget.View(1));
        _clock.Advance(TimeSpan.FromMilliseconds(2));
        Assert.Equal((BudgetVerdict.Granted, BudgetVerdict.Rate), (budget.TryTake(1), budget.TryTake(1)));
    }

    [Fact]
    public void Other_options_are_in_force_at_once_and_what_was_spent_stays_spent()
    {
        var budget = Open(Wide with { CallsPerDay = 4 });
        for (var i = 0; i < 3; i++) budget.TryTake(1);

        budget.Change(Wide with { CallsPerDay = 3 });
        Assert.Equal(BudgetVerdict.Calls, budget.View(1));
        budget.Change(Wide with { Burst = 1, CallsPerMinute = 1 });
        Assert.Equal((BudgetVerdict.Granted, BudgetVerdict.Rate, 4), (budget.TryTake(1), budget.TryTake(1), budget.Now.Calls));
        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(BudgetVerdict.Rate, budget.View(1));
        budget.Change(Wide);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(BudgetVerdict.Granted, budget.TryTake(1));
    }

    [Fact]
    public void Each_cap_of_the_day_has_its_own_verdict_and_ends_with_the_day()
    {
        var calls = Open(Wide with { CallsPerDay = 2 });
        Assert.Equal([BudgetVerdict.Granted, BudgetVerdict.Granted, BudgetVerdict.Calls], Enumerable.Range(0, 3).Select(_ => calls.TryTake(1)));
        var bytes = Open(Wide with { BytesPerDay = 10 }, "bytes");
        Assert.Equal([BudgetVerdict.Granted, BudgetVerdict.Bytes, BudgetVerdict.Granted], new long[] { 6, 5, 4 }.Select(bytes.TryTake));
        var money = Open(Wide with { MoneyPerCall = 0.4m, MoneyPerDay = 1 }, "money");
        Assert.Equal([BudgetVerdict.Granted, BudgetVerdict.Granted, BudgetVerdict.Money], Enumerable.Range(0, 3).Select(_ => money.TryTake(1)));

        _clock.Advance(TimeSpan.FromHours(23.99));
        Assert.Equal((BudgetVerdict.Calls, BudgetVerdict.Bytes, BudgetVerdict.Money), (calls.View(1), bytes.View(1), money.View(1)));
        _clock.Advance(TimeSpan.FromHours(0.02));
        Assert.All([calls, bytes, money], budget => Assert.Equal(BudgetVerdict.Granted, budget.TryTake(1)));
    }

    [Fact]
    public void A_restart_remembers_what_was_spent_and_the_rate()
    {
        var before = Open(Wide with { CallsPerDay = 4 });
        for (var i = 0; i < 4; i++) before.TryTake(100);

        var after = Open(Wide with { CallsPerDay = 4 });
        Assert.Equal(BudgetVerdict.Calls, after.TryTake(1));
        Assert.Equal((4, 400L), (after.Now.Calls, after.Now.Bytes));
        Assert.Equal(BudgetVerdict.Granted, Open(Wide).TryTake(1));
        Assert.Equal(BudgetVerdict.Rate, Open(Wide).TryTake(1));
    }

    [Theory]
    [InlineData(-365)]
    [InlineData(365)]
    public void A_jump_of_the_wall_clock_gives_nothing(int days)
    {
        var clock = new JumpingClock(_clock);
        var budget = new Budget(Wide with { CallsPerDay = 1 }, File("budget"), clock);
        budget.TryTake(1);
        clock.Jump = TimeSpan.FromDays(days);

        Assert.Equal(BudgetVerdict.Calls, budget.TryTake(1));
    }

    [Fact]
    public void A_wall_clock_that_went_back_while_the_program_was_down_gives_nothing()
    {
        Open(Wide with { CallsPerDay = 1 }).TryTake(1);
        var back = new JumpingClock(_clock) { Jump = TimeSpan.FromDays(-7000) };

        Assert.Equal(BudgetVerdict.Calls, new Budget(Wide with { CallsPerDay = 1 }, File("budget"), back).TryTake(1));
    }

    [Fact]
    public void Retries_that_happened_are_charged_although_nothing_is_left()
    {
        var budget = Open(Wide with { Burst = 1, CallsPerDay = 2 });
        budget.TryTake(10);
        budget.Charge(1, 10);

        Assert.Equal((2, 20L), (budget.Now.Calls, budget.Now.Bytes));
        Assert.Equal(BudgetVerdict.Calls, budget.TryTake(1));
    }

    [Fact]
    public void A_call_that_never_left_is_paid_back()
    {
        var budget = Open(Wide with { Burst = 1, CallsPerDay = 1 });
        budget.TryTake(10);
        budget.Refund(10);
        budget.Refund(10);

        Assert.Equal((1.0, 0, 0L), (budget.Now.Tokens, budget.Now.Calls, budget.Now.Bytes));
        Assert.Equal(BudgetVerdict.Granted, budget.TryTake(10));
    }

    [Fact]
    public void A_damaged_file_is_put_aside_and_reported()
    {
        System.IO.File.WriteAllText(_files.File("budget"), "{\"tokens\": 3, \"da");

        Assert.Equal(BudgetVerdict.Granted, Open(Wide).TryTake(1));
        Assert.Contains("cannot be read", Assert.Single(_alarms), StringComparison.Ordinal);
        Assert.True(System.IO.File.Exists(_files.File("budget") + ".unreadable"));
        Assert.Equal(1, Open(Wide).Now.Calls);
    }

    [Fact]
    public void A_state_that_cannot_be_written_is_reported_and_still_counts()
    {
        Directory.CreateDirectory(_files.File("budget") + ".tmp");
        var budget = Open(Wide with { CallsPerDay = 1 });

        Assert.Equal((BudgetVerdict.Granted, BudgetVerdict.Calls), (budget.TryTake(1), budget.TryTake(1)));
        Assert.Contains("cannot be written", Assert.Single(_alarms), StringComparison.Ordinal);
    }

    /// <summary>Whatever is asked for, whenever, and however often the program restarts: no more than burst + rate x time, and no cap is passed.</summary>
    [Fact]
    public void No_history_spends_more_than_the_budget()
    {
        var options = new BudgetOptions { CallsPerMinute = 6, Burst = 3, CallsPerDay = 40, BytesPerDay = 500, MoneyPerCall = 0.5m, MoneyPerDay = 17 };
        var number = 0;
        var steps = ArbMap.Default.ArbFor<(byte Seconds, byte Bytes, bool Restarts)[]>();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(15), Prop.ForAll(steps, history =>
        {
            var name = $"property-{number++}";
            var budget = Open(options, name);
            var (calls, bytes, elapsed) = (0, 0L, TimeSpan.Zero);
            foreach (var (seconds, size, restarts) in history)
            {
                _clock.Advance(TimeSpan.FromSeconds(seconds));
                elapsed += TimeSpan.FromSeconds(seconds);
                if (restarts) budget = Open(options, name);
                var view = budget.View(size);
                var verdict = budget.TryTake(size);
                if (verdict != view) return false;
                if (verdict == BudgetVerdict.Granted) (calls, bytes) = (calls + 1, bytes + size);
            }
            var days = (int)(elapsed / TimeSpan.FromDays(1)) + 1;
            return calls <= options.Burst + (elapsed.TotalMinutes * options.CallsPerMinute) + 1e-6
                && calls <= 34 * days && bytes <= options.BytesPerDay * days;
        }));
    }

    public void Dispose() => _files.Dispose();

    private Budget Open(BudgetOptions options, string name = "budget") => new(options, File(name), _clock);

    private StateFile<BudgetState> File(string name) => new(_files.File(name), RoutingJson.Default.BudgetState, alarm => _alarms.Add(alarm ?? "fine"));

    /// <summary>Its wall clock can be set without its timestamps knowing.</summary>
    private sealed class JumpingClock(FakeTimeProvider inner) : TimeProvider
    {
        public TimeSpan Jump { get; set; }

        public override long TimestampFrequency => inner.TimestampFrequency;

        public override long GetTimestamp() => inner.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow() + Jump;
    }
}
