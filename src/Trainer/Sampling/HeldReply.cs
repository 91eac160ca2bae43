using Vlm.Solving;
using Vlm.Statistics;

namespace Vlm.Trainer.Sampling;

/// <summary>A token of a reply that the model chose among several.</summary>
/// <param name="Place">Of the token in the reply, from 0.</param>
/// <param name="Allowed">The tokens that it was chosen from, at least two.</param>
internal readonly record struct Decision(int Place, IReadOnlyList<int> Allowed);

/// <summary>
/// A reply in the making that is held to its grammar, as <c>solve</c> holds it: what must come is written at once, and only what the grammar leaves open (a
/// letter that was not written before, or that it is not seen) is asked of the model.
/// </summary>
internal sealed class HeldReply
{
    private readonly List<int> _ids = [];
    private readonly List<float> _logProbabilities = [];
    private readonly List<Decision> _decisions = [];
    private readonly ReplyState _start;
    private ReplyState _state;
    private int _read;

    /// <param name="start">The state before the first token.</param>
    /// <param name="random">What its letters are drawn by; null takes the most probable ones.</param>
    public HeldReply(ReplyState start, SeededRandom? random = null)
    {
        (_start, _state, Random) = (start, start, random);
        Allowed = Follow();
    }

    public SeededRandom? Random { get; }

    /// <summary>The tokens that may come next: several, or none once the reply is whole.</summary>
    public IReadOnlyList<int> Allowed { get; private set; }

    public bool IsDone => Allowed.Count == 0;

    /// <summary>[T] tokens so far; the stop token is the last of a whole reply.</summary>
    public int[] Ids => [.. _ids];

    /// <summary>[T] natural logarithms, given that an allowed token is taken: 0 for what had to come.</summary>
    public float[] LogProbabilities => [.. _logProbabilities];

    /// <summary>The tokens that the model chose, in order.</summary>
    public IReadOnlyList<Decision> Decisions => _decisions;

    /// <summary>The token that it chose last, of at least one.</summary>
    public int Last => _ids[_decisions[^1].Place];

    /// <summary>Sum over the decisions, in nats.</summary>
    public double Entropy { get; private set; }

    /// <summary>
    /// Lengths of the runs that the model reads after its choices, one by one, but for what follows the last choice: nobody asks what comes then. They follow
    /// from the code and not from what is chosen.
    /// </summary>
    public IReadOnlyList<int> Runs()
    {
        var reply = new HeldReply(_start);
        var runs = new List<int>();
        reply.Read();
        while (!reply.IsDone)
        {
            reply.Take(reply.Allowed[0], 0, 0);
            if (!reply.IsDone) runs.Add(reply.Read().Length);
        }
        return runs;
    }

    /// <summary>The tokens that were written since this was called last.</summary>
    public int[] Read()
    {
        int[] run = [.. _ids.Skip(_read)];
        _read = _ids.Count;
        return run;
    }

    /// <summary>Writes a choice and what must follow it.</summary>
    /// <param name="token">One of <see cref="Allowed"/>.</param>
    /// <param name="logProbability">Of it among them.</param>
    /// <param name="entropy">Of the choice, in nats.</param>
    public void Take(int token, float logProbability, float entropy)
    {
        _decisions.Add(new Decision(_ids.Count, Allowed));
        Entropy += entropy;
        Write(token, logProbability);
        Allowed = Follow();
    }

    private IReadOnlyList<int> Follow()
    {
        var allowed = _state.Allowed();
        for (; allowed is [var only]; allowed = _state.Allowed()) Write(only, 0);
        return allowed;
    }

    private void Write(int token, float logProbability)
    {
        _ids.Add(token);
        _logProbabilities.Add(logProbability);
        _state = _state.After(token);
    }
}
