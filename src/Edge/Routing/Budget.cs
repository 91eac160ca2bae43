namespace Vlm.Edge.Routing;

/// <summary>One budget for every call to the larger model: a token bucket for the rate, and caps on the calls, bytes and money of a day.</summary>
/// <remarks>
/// Thread-safe. A day is 24 hours of the monotonic clock, begun at the first start and kept across restarts, so that neither a jump of the wall clock nor
/// midnight gives a budget twice. While the program is down the wall clock counts, and never backwards. Every grant is on disk before it is given.
/// </remarks>
internal sealed class Budget
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private readonly Lock _lock = new();
    private BudgetOptions _options;
    private readonly StateFile<BudgetState> _file;
    private readonly TimeProvider _clock;
    private BudgetState _state;
    private long _stamp;

    public Budget(BudgetOptions options, StateFile<BudgetState> file, TimeProvider clock)
    {
        (_options, _file, _clock) = (options, file, clock);
        _stamp = clock.GetTimestamp();
        var now = clock.GetUtcNow();
        _state = file.Load() is { } saved
            ? Later(saved, now > saved.SavedAt ? now - saved.SavedAt : TimeSpan.Zero)
            : new BudgetState(options.Burst, 0, 0, 0, 0, now);
    }

    /// <summary>What is spent and left at this moment.</summary>
    public BudgetState Now
    {
        get
        {
            lock (_lock) return Advance();
        }
    }

    /// <summary>Puts other options in force; what was spent of the day stays spent.</summary>
    public void Change(BudgetOptions options)
    {
        lock (_lock)
        {
            // What was earned until now was earned at the old rate; what a smaller bucket does not hold is gone.
            Advance();
            _options = options;
            _state = _state with { Tokens = Math.Min(options.Burst, _state.Tokens) };
        }
    }

    /// <summary>What <see cref="TryTake"/> would say.</summary>
    public BudgetVerdict View(long bytes)
    {
        lock (_lock) return Verdict(Advance(), bytes);
    }

    /// <summary>Pays for one call that sends so many bytes, or says what is spent.</summary>
    public BudgetVerdict TryTake(long bytes)
    {
        lock (_lock)
        {
            var verdict = Verdict(Advance(), bytes);
            if (verdict == BudgetVerdict.Granted) Spend(1, bytes);
            return verdict;
        }
    }

    /// <summary>Pays for what a call cost beyond its first attempt: it has happened, so it is never refused.</summary>
    public void Charge(int calls, long bytes)
    {
        if (calls <= 0 && bytes <= 0) return;
        lock (_lock)
        {
            Advance();
            Spend(Math.Max(0, calls), Math.Max(0, bytes));
        }
    }

    /// <summary>Gives back what was paid for a call that never left the box.</summary>
    public void Refund(long bytes)
    {
        lock (_lock)
        {
            Advance();
            Spend(-1, -bytes);
        }
    }

    private BudgetVerdict Verdict(BudgetState state, long bytes)
    {
        if (state.Calls >= _options.CallsPerDay) return BudgetVerdict.Calls;
        if (state.Bytes + bytes > _options.BytesPerDay) return BudgetVerdict.Bytes;
        if (_options.MoneyPerCall > 0 && state.Money + _options.MoneyPerCall > _options.MoneyPerDay) return BudgetVerdict.Money;
        return state.Tokens >= 1 ? BudgetVerdict.Granted : BudgetVerdict.Rate;
    }

    private void Spend(int calls, long bytes)
    {
        _state = _state with
        {
            // Below zero: what was charged without asking is worked off before the next call.
            Tokens = Math.Clamp(_state.Tokens - calls, -_options.Burst, _options.Burst),
            // A refund may come on the day after.
            Calls = Math.Max(0, _state.Calls + calls),
            Bytes = Math.Max(0, _state.Bytes + bytes),
            Money = Math.Max(0, _state.Money + (calls * _options.MoneyPerCall)),
            SavedAt = _clock.GetUtcNow(),
        };
        _file.Save(_state);
    }

    private BudgetState Advance()
    {
        var now = _clock.GetTimestamp();
        _state = Later(_state, _clock.GetElapsedTime(_stamp, now));
        _stamp = now;
        return _state;
    }

    private BudgetState Later(BudgetState state, TimeSpan elapsed)
    {
        var tokens = Math.Min(_options.Burst, state.Tokens + (elapsed.TotalMinutes * _options.CallsPerMinute));
        var seconds = state.DaySeconds + elapsed.TotalSeconds;
        return seconds < Day.TotalSeconds
            ? state with { Tokens = tokens, DaySeconds = seconds }
            : state with { Tokens = tokens, DaySeconds = seconds % Day.TotalSeconds, Calls = 0, Bytes = 0, Money = 0 };
    }
}
