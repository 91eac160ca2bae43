using Vlm.Edge.Escalations;
using Vlm.Edge.Queries;
using Vlm.Edge.Routing;
using Vlm.Text;

namespace Vlm.Edge.Tests.Routing;

/// <summary>Every combination of what a decision depends on is matched by exactly one row of a table that people can read.</summary>
public sealed class RouterTests
{
    private const double Share = 0.25;

    // mode, hard failure, confident, budget, link, time, drawn for audit -> decision. "*" stands for any value.
    private static readonly string[] Table =
    [
        "local-only    no  yes *     *            *    *    -> accept",
        "local-only    no  no  *     *            *    *    -> degraded(local-only)",
        "local-only    yes *   *     *            *    *    -> degraded(local-only)",

        "escalate      no  yes ok    *            *    yes  -> accept and audit",
        "escalate      no  yes spent *            *    yes  -> accept",
        "escalate      no  yes *     *            *    no   -> accept",
        "escalate      no  no  ok    online       yes  *    -> escalate(low-confidence)",
        "escalate      no  no  ok    online       no   *    -> degraded(deadline) in background low-confidence",
        "escalate      no  no  ok    offline      *    *    -> degraded(offline) in background low-confidence",
        "escalate      no  no  ok    breaker-open *    *    -> degraded(breaker-open) in background low-confidence",
        "escalate      no  no  spent *            *    *    -> degraded(budget) in background low-confidence",
        "escalate      yes *   ok    online       yes  *    -> escalate(hard-failure)",
        "escalate      yes *   ok    online       no   *    -> degraded(deadline) in background hard-failure",
        "escalate      yes *   ok    offline      *    *    -> degraded(offline) in background hard-failure",
        "escalate      yes *   ok    breaker-open *    *    -> degraded(breaker-open) in background hard-failure",
        "escalate      yes *   spent *            *    *    -> degraded(budget) in background hard-failure",

        "answer-now    no  yes ok    *            *    yes  -> accept and audit",
        "answer-now    no  yes spent *            *    yes  -> accept",
        "answer-now    no  yes *     *            *    no   -> accept",
        "answer-now    no  no  *     *            *    *    -> degraded(queued) in background low-confidence",
        "answer-now    yes *   *     *            *    *    -> degraded(queued) in background hard-failure",

        "escalate-all  *   *   ok    online       yes  *    -> escalate(always)",
        "escalate-all  *   *   ok    online       no   *    -> degraded(deadline) in background always",
        "escalate-all  *   *   ok    offline      *    *    -> degraded(offline) in background always",
        "escalate-all  *   *   ok    breaker-open *    *    -> degraded(breaker-open) in background always",
        "escalate-all  *   *   spent *            *    *    -> degraded(budget) in background always",
    ];

    private static readonly string[][] Values =
    [
        ["local-only", "escalate", "answer-now", "escalate-all"], ["no", "yes"], ["no", "yes"],
        ["ok", "spent"], ["online", "offline", "breaker-open"], ["no", "yes"], ["no", "yes"],
    ];

    [Fact]
    public void Every_combination_is_decided_as_its_one_row_of_the_table_says()
    {
        var rows = Table.Select(line =>
            line.Split("->")).Select(parts => (Cells: parts[0].Split(' ', StringSplitOptions.RemoveEmptyEntries), Said: parts[1].Trim())).ToArray();
        var used = new HashSet<string[]>();
        var count = 0;
        foreach (var combination in Combinations(0))
        {
            var row = Assert.Single(rows, row => row.Cells.Zip(combination).All(cell => cell.First == "*" || cell.First == cell.Second));
            used.Add(row.Cells);
            Assert.True(row.Said == Say(Decide(combination)), $"{string.Join(' ', combination)}: expected {row.Said}, decided {Say(Decide(combination))}");
            count++;
        }

        Assert.Equal(4 * 2 * 2 * 2 * 3 * 2 * 2, count);
        Assert.Equal(rows.Length, used.Count);
    }

    [Theory]
    [InlineData("Offline", "degraded(offline) in background always")]
    [InlineData("Timeout", "degraded(deadline) in background always")]
    [InlineData("Cancelled", "degraded(deadline)")]
    [InlineData("Overloaded", "degraded(overloaded) in background always")]
    [InlineData("RetryBudget", "degraded(overloaded) in background always")]
    [InlineData("ServerError", "degraded(server-error) in background always")]
    [InlineData("Budget", "degraded(budget) in background always")]
    [InlineData("BreakerOpen", "degraded(breaker-open) in background always")]
    [InlineData("Rejected", "degraded(rejected)")]
    [InlineData("TooLarge", "degraded(rejected)")]
    [InlineData("BadAnswer", "degraded(bad-answer)")]
    public void A_failed_escalation_degrades_the_answer_and_is_asked_again_only_when_that_can_help(string failure, string said) =>
        Assert.Equal(said, Say(Fallback.Decide(Enum.Parse<EscalationFailure>(failure), EscalationReason.Always)));

    [Theory]
    [InlineData("escalate", "degraded(no-decoder)")]
    [InlineData("answer-now", "degraded(no-decoder)")]
    [InlineData("escalate-all", "escalate(always)")]
    [InlineData("local-only", "degraded(local-only)")]
    public void A_picture_without_a_decoder_is_not_worth_a_call_unless_all_are(string mode, string said) =>
        Assert.Equal(said, Say(Router.Decide(Of([mode, "no", "no", "ok", "online", "yes", "no"]) with { IsWithoutDecoder = true }, 0.9)));

    [Fact]
    public void Every_failure_of_an_escalation_has_its_reason() =>
        Assert.All(Enum.GetValues<EscalationFailure>(), failure => Assert.NotNull(Fallback.Decide(failure, EscalationReason.Always)));

    [Theory]
    [InlineData(0, 0.0, false)]
    [InlineData(0.25, 0.249999, true)]
    [InlineData(0.25, 0.25, false)]
    [InlineData(1, 0.999999, true)]
    public void An_accepted_answer_is_audited_when_the_draw_falls_below_the_share(double share, double draw, bool audited)
    {
        var situation = Of(["escalate", "no", "yes", "ok", "online", "yes", "no"]) with { AuditShare = share };
        Assert.Equal(audited, Router.Decide(situation, draw) is Decision.AcceptAndAudit);
    }

    private static IEnumerable<string[]> Combinations(int from) =>
        from == Values.Length ? [[]] : Values[from].SelectMany(value => Combinations(from + 1).Select(rest => (string[])[value, .. rest]));

    private static Decision Decide(string[] cells) => Router.Decide(Of(cells), cells[6] == "yes" ? Share / 2 : (Share + 1) / 2);

    private static Situation Of(string[] cells) => new()
    {
        Mode = Enum.Parse<RoutingMode>(cells[0].Replace("-", ""), ignoreCase: true),
        HasHardFailure = cells[1] == "yes",
        IsConfident = cells[2] == "yes",
        Budget = cells[3] == "ok" ? BudgetVerdict.Granted : BudgetVerdict.Calls,
        Link = Enum.Parse<Link>(cells[4].Replace("-", ""), ignoreCase: true),
        HasTime = cells[5] == "yes",
        AuditShare = Share,
    };

    private static string Say(Decision decision) => decision switch
    {
        Decision.Accept => "accept",
        Decision.AcceptAndAudit => "accept and audit",
        Decision.Escalate(var reason) => $"escalate({reason.ToOption()})",
        Decision.AnswerDegraded(var reason, null) => $"degraded({reason.ToOption()})",
        Decision.AnswerDegraded(var reason, { } asked) => $"degraded({reason.ToOption()}) in background {asked.ToOption()}",
        _ => throw new InvalidOperationException(),
    };
}
