using Vlm.Core.Tests.Engine;
using Vlm.Engine;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Core.Tests.Solving;

/// <summary>What becomes of questions when the provider fails in the middle of a run.</summary>
public sealed class SolverProviderTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly List<Placement> _moves = [];

    public SolverProviderTests() => TinyPackage.Write(_folder.Path);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    public void A_batch_whose_provider_fails_is_answered_by_the_processor_and_so_are_those_after_it(int steps)
    {
        using var plain = Solver.Open(_folder.Path, new EngineOptions { Threads = 1, Provider = ProviderKind.Cpu });
        using var failing = new FailingModel(_folder.Path, steps);
        using var solver = Open(failing);
        Question[] questions = [Ask("a", "q x"), Ask("c", "x _ q")];

        var solutions = solver.Solve(questions, cancellation: Cancellation);
        var next = solver.Solve(questions[1], cancellation: Cancellation);

        var expected = plain.Solve(questions, cancellation: Cancellation);
        Assert.Equal(expected.Select(solution => solution.Text), solutions.Select(solution => solution.Text));
        Assert.Equal(expected[1].Text, next.Text);
        var moved = Assert.Single(_moves);
        Assert.Equal(solver.Placement, moved);
        Assert.Equal((ProviderKind.Cpu, PlacementReason.FailedWhileRunning), (moved.Provider, moved.Reason));
        Assert.Contains("CUDA failed in the middle of a run", moved.ToString(), StringComparison.Ordinal);
        Assert.False(failing.IsDisposed, "freeing memory of a device that has failed can end the process");
    }

    [Fact]
    public void A_reply_that_was_told_in_part_ends_with_the_error_and_the_next_question_is_answered()
    {
        using var failing = new FailingModel(_folder.Path, steps: 3);
        using var solver = Open(failing);
        var told = new List<int>();
        var options = new SolveOptions { OnToken = (choice, _) => told.Add(choice.Token) };

        Assert.Throws<ProviderException>(() => solver.Solve(Ask("a", "q x"), options, Cancellation));
        var before = told.Count;
        var next = solver.Solve(Ask("a", "q x"), options, Cancellation);

        Assert.InRange(before, 1, 3);
        Assert.Equal(next.Generation.Choices.Count, told.Count - before);
        Assert.Single(_moves);
    }

    [Fact]
    public void A_provider_that_was_asked_for_by_name_is_not_replaced()
    {
        using var failing = new FailingModel(_folder.Path, steps: 2);
        using var solver = Solver.Open(_folder.Path, () => failing, reopen: null);

        var error = Assert.Throws<ProviderException>(() => solver.Solve(Ask("a", "q x"), cancellation: Cancellation));

        Assert.Contains("illegal memory access", error.Message, StringComparison.Ordinal);
        Assert.Equal(ProviderKind.Cuda, solver.Placement.Provider);
    }

    public void Dispose() => _folder.Dispose();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Question Ask(string picture, string code) =>
        new(ImageCodec.Decode(File.ReadAllBytes(Path.Combine(ReferencePackage.Golden, "pictures", picture + ".png"))), code);

    private Solver Open(FailingModel failing)
    {
        var options = new EngineOptions { Threads = 1 };
        var solver = Solver.Open(_folder.Path, () => failing, placement => Engines.Open(_folder.Path, options, placement));
        solver.Moved = _moves.Add;
        return solver;
    }
}
