using System.Text;
using Vlm.Cryptogram;
using Vlm.Engine;
using Vlm.Escalation.Work;
using Vlm.Gating;
using Vlm.Package;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Escalation.Tests;

/// <summary>A model without weights: says the same pieces to every question, and waits before each of them if it is held.</summary>
internal sealed class ScriptedModel(params string[] pieces) : IModel
{
    private readonly SemaphoreSlim _steps = new(0);
    private int _calls;
    private int _stopped;

    public ScriptedModel() : this("one", " two", " three") { }

    /// <summary>Whether every token waits for <see cref="Release"/>.</summary>
    public bool IsHeld { get; init; }

    /// <summary>Whether words had a say in what it says.</summary>
    public bool LeansOnWords { get; init; }

    /// <summary>What its gate makes of every answer; null without a gate.</summary>
    public Assessment? Assessment { get; init; }

    /// <summary>A code at which it breaks.</summary>
    public string? FailsOn { get; init; }

    /// <summary>The codes of the batches so far, without the warm-up.</summary>
    public List<string[]> Batches { get; } = [];

    /// <summary>Rows that were stopped before their end.</summary>
    public int Stopped => Volatile.Read(ref _stopped);

    public string Fingerprint => "fp_scripted";

    public Placement Placement { get; } = new(ProviderKind.Cpu, PlacementReason.Asked, "it was asked for");

    public Action<Placement>? Moved { get; set; }

    public string ReplyStart => "<think>\n";

    public int MaxNewTokens => pieces.Length + 1;

    /// <summary>Lets so many tokens be taken.</summary>
    public void Release(int tokens = 1_000_000) => _steps.Release(tokens);

    public bool IsStop(int token) => token == pieces.Length;

    public byte[] Bytes(int token) => IsStop(token) ? [] : Encoding.UTF8.GetBytes(pieces[token]);

    public Assessment? Assess(Solution solution) => Assessment;

    public IReadOnlyList<Solution> Solve(IReadOnlyList<SolveRequest> requests, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _calls) > 1)
        {
            lock (Batches) Batches.Add([.. requests.Select(request => request.Question.Code)]);
        }
        if (requests.FirstOrDefault(request => request.Question.Picture.Height == 1) is not null) throw new PictureException("The picture is too flat.");
        if (requests.Any(request => request.Question.Code == FailsOn)) throw new ModelException("A graph failed.");
        var rows = requests.Select(request => new Row(request)).ToArray();
        // As many turns as there are pieces, and one for the stop token.
        while (rows.Any(row => row.Finish is null))
        {
            if (_calls > 1 && IsHeld) Wait(rows, cancellation);
            foreach (var row in rows) row.Advance(pieces.Length);
        }
        Interlocked.Add(ref _stopped, rows.Count(row => row.Finish == FinishReason.Cancelled));
        return [.. rows.Select(row => row.ToSolution(this))];
    }

    public void Dispose() => _steps.Dispose();

    private void Wait(Row[] rows, CancellationToken cancellation)
    {
        while (!rows.All(row => row.IsOver) && !_steps.Wait(2, cancellation)) { }
    }

    private sealed class Row(SolveRequest request)
    {
        private readonly List<Choice> _choices = [];
        private readonly List<IReadOnlyList<TokenProbability>> _alternatives = [];

        public FinishReason? Finish { get; private set; }

        public bool IsOver => Finish is not null || request.Options.Stop.IsCancellationRequested;

        public void Advance(int stop)
        {
            if (Finish is not null) return;
            if (request.Options.Stop.IsCancellationRequested) Finish = FinishReason.Cancelled;
            if (Finish is not null) return;
            var choice = new Choice(_choices.Count, -0.125);
            TokenProbability[] alternatives =
                [.. Enumerable.Range(0, request.Options.Alternatives).Select(i =>
                    new TokenProbability((choice.Token + i) % stop, i == 0 ? -0.125 : double.NegativeInfinity))];
            _choices.Add(choice);
            _alternatives.Add(alternatives);
            request.Options.OnToken?.Invoke(choice, alternatives);
            if (choice.Token == stop) Finish = FinishReason.EndOfText;
            else if (_choices.Count == request.Options.MaxTokens) Finish = FinishReason.MaxTokens;
        }

        public Solution ToSolution(ScriptedModel model)
        {
            var generation = new Generation(_choices, Finish!.Value, default)
            {
                Alternatives = _alternatives,
                Reading = new LetterReading { LeantOnWords = model.LeansOnWords }
            };
            var text = string.Concat(generation.TextTokens.Select(token => Encoding.UTF8.GetString(model.Bytes(token))));
            return new Solution
            {
                Question = request.Question,
                Text = text,
                Reply = ReplyParser.Parse(text),
                RawConfidence = null,
                Generation = generation,
                Grid = new PatchGrid(1, 16, 16),
                Timings = default,
                PromptTokens = 80,
                PictureTokens = 64,
            };
        }
    }
}
