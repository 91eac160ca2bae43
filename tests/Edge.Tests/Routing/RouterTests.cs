using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;

namespace Vlm.Edge.Tests.Routing;

/// <summary>Every combination of what a decision depends on is matched by exactly one row of a table that people can read.</summary>
public sealed class RouterTests
{
    private const double Share = 0.25;

    // mode, hard failure, confident, certified, budget, link, time, drawn for audit -> decision. "*" stands for any value.
    private static readonly string[] Table =
    [
        "local-only    no  yes *  *     *            *    *    -> accept",
        "local-only    no  no  *  *     *            *    *    -> degraded(local-only)",
        "local-only    yes *   *  *     *            *    *    -> degraded(local-only)",

        "escalate      no  yes *  ok    *            *    yes  -> accept and audit",
        "escalate      no  yes *  spent *            *    yes  -> accept",
        "escalate      no  yes *  *     *            *    no   -> accept",
        "escalate      no  no  *  ok    online       yes  *    -> escalate(low-confidence)",
        "escalate      no  no  *  ok    online       no   *    -> degraded(deadline) behind low-confidence",
        "escalate      no  no  *  ok    offline      *    *    -> degraded(offline) behind low-confidence",
        "escalate      no  no  *  ok    breaker-open *    *    -> degraded(breaker-open) behind low-confidence",
        "escalate      no  no  *  spent *            *    *    -> degraded(budget) behind low-confidence",
        "escalate      yes *   *  ok    online       yes  *    -> escalate(hard-failure)",
        "escalate      yes *   *  ok    online       no   *    -> degraded(deadline) behind hard-failure",
        "escalate      yes *   *  ok    offline      *    *    -> degraded(offline) behind hard-failure",
        "escalate      yes *   *  ok    breaker-open *    *    -> degraded(breaker-open) behind hard-failure",
        "escalate      yes *   *  spent *            *    *    -> degraded(budget) behind hard-failure",

        "answer-now    no  yes *  ok    *            *    yes  -> accept and audit",
        "answer-now    no  yes *  spent *            *    yes  -> accept",
        "answer-now    no  yes *  *     *            *    no   -> accept",
        "answer-now    no  no  *  *     *            *    *    -> degraded(queued) behind low-confidence",
        "answer-now    yes *   *  *     *            *    *    -> degraded(queued) behind hard-failure",

        "escalate-all  *   *   *  ok    online       yes  *    -> escalate(always)",
        "escalate-all  *   *   *  ok    online       no   *    -> degraded(deadline) behind always",
        "escalate-all  *   *   *  ok    offline      *    *    -> degraded(offline) behind always",
        "escalate-all  *   *   *  ok    breaker-open *    *    -> degraded(breaker-open) behind always",
        "escalate-all  *   *   *  spent *            *    *    -> degraded(budget) behind always",
    ];

    private static readonly string[][] Values =
    [
        ["local-only", "escalate", "answer-now", "escalate-all"], ["no", "yes"], ["no", "yes"], ["no", "yes"],
        ["ok", "spent"], ["online", "offline", "breaker-open"], ["no", "yes"], ["no", "yes"],
    ];

    [Fact]
    public void Every_combination_is_decided_as_its_one_row_of_the_table_says()
    {
        var rows = Table.Select(line => line.Split("->")).Select(parts => (Cells: parts[0].Split(' ', StringSplitOptions.RemoveEmptyEntries), Said: parts[1].Trim())).ToArray();
        var used = new HashSet<string[]>();
        var count = 0;
        foreach (var combination in Combinations(0))
        {
            var row = Assert.Single(rows, row => row.Cells.Zip(combination).All(cell => cell.First == "*" || cell.First == cell.Second));
            used.Add(row.Cells);
            Assert.True(row.Said == Say(Decide(combination)), $"{string.Join(' ', combination)}: expected {row.Said}, decided {Say(Decide(combination))}");
            count++;
        }

        Assert.Equal(4 * 2 * 2 * 2 * 2 * 3 * 2 * 2, count);
        Assert.Equal(rows.Length, used.Count);
    }

    [Theory]
    [InlineData("Offline", "degraded(offline) behind always")]
    [InlineData("Timeout", "degraded(deadline) behind always")]
    [InlineData("Cancelled", "degraded(deadline)")]
    [InlineData("Overloaded", "degraded(overloaded) behind always")]
    [InlineData("RetryBudget", "degraded(overloaded) behind always")]
    [InlineData("ServerError", "degraded(server-error) behind always")]
    [InlineData("BreakerOpen", "degraded(breaker-open) behind always")]
    [InlineData("Rejected", "degraded(rejected)")]
    [InlineData("TooLarge", "degraded(rejected)")]
    [InlineData("BadAnswer", "degraded(bad-answer)")]
    public void A_failed_escalation_degrades_the_answer_and_is_asked_again_only_when_that_can_help(string failure, string said) =>
        Assert.Equal(said, Say(Fallback.After(Enum.Parse<EscalationFailure>(failure), EscalationReason.Always)));

    [Fact]
    public void Every_failure_of_an_escalation_has_its_reason() =>
        Assert.All(Enum.GetValues<EscalationFailure>(), failure => Assert.NotNull(Fallback.After(failure, EscalationReason.Always)));

    [Theory]
    [InlineData(0, 0.0, false)]
    [InlineData(0.25, 0.249999, true)]
    [InlineData(0.25, 0.25, false)]
    [InlineData(1, 0.999999, true)]
    public void An_accepted_answer_is_audited_when_the_draw_falls_below_the_share(double share, double draw, bool audited)
    {
        var situation = Of(["escalate", "no", "yes", "yes", "ok", "online", "yes", "no"]) with { AuditShare = share };
        Assert.Equal(audited, Router.Decide(situation, draw) is Decision.AcceptAndAudit);
    }

    private static IEnumerable<string[]> Combinations(int from) =>
        from == Values.Length ? [[]] : Values[from].SelectMany(value => Combinations(from + 1).Select(rest => (string[])[value, .. rest]));

    private static Decision Decide(string[] cells) => Router.Decide(Of(cells), cells[7] == "yes" ? Share / 2 : (Share + 1) / 2);

    private static Situation Of(string[] cells) => new()
    {
        Mode = Enum.Parse<RoutingMode>(cells[0].Replace("-", ""), ignoreCase: true),
        HasHardFailure = cells[1] == "yes",
        IsConfident = cells[2] == "yes",
        IsCertified = cells[3] == "yes",
        Budget = cells[4] == "ok" ? BudgetVerdict.Granted : BudgetVerdict.Calls,
        Link = Enum.Parse<Link>(cells[5].Replace("-", ""), ignoreCase: true),
        HasTime = cells[6] == "yes",
        AuditShare = Share,
    };

    private static string Say(Decision decision) => decision switch
    {
        Decision.Accept => "accept",
        Decision.AcceptAndAudit => "accept and audit",
        Decision.Escalate(var reason) => $"escalate({Kebab(reason)})",
        Decision.AnswerDegraded(var reason, null) => $"degraded({Kebab(reason)})",
        Decision.AnswerDegraded(var reason, { } behind) => $"degraded({Kebab(reason)}) behind {Kebab(behind)}",
        _ => throw new InvalidOperationException(),
    };

    private static string Kebab<T>(T value)
        where T : struct, Enum =>
        string.Concat($"{value}".Select((letter, i) => i > 0 && char.IsUpper(letter) ? $"-{char.ToLowerInvariant(letter)}" : $"{char.ToLowerInvariant(letter)}"));
}
