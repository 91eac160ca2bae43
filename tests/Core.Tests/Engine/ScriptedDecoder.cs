using Vlm.Engine;

namespace Vlm.Core.Tests.Engine;

/// <summary>A decoder without a model: each row wants to say the tokens of its script, one after the other, whatever it is fed.</summary>
internal sealed class ScriptedDecoder(int[][] script, int vocabulary = 10) : IDecoder
{
    private readonly int[] _length = new int[script.Length];
    private readonly int[] _said = new int[script.Length];

    public List<int[]> Steps { get; } = [];

    public Action<int>? OnStep { get; init; }

    /// <summary>May change the logits of a place.</summary>
    public Action<int, float[]>? Doubt { get; init; }

    public Func<int, int, float[]>? Attention { get; init; }

    public int Rows => script.Length;

    public int MaxLength => 300;

    public void Prefill(IReadOnlyList<Prompt> prompts)
    {
        for (var row = 0; row < Rows; row++) _length[row] = prompts[row % prompts.Count].Ids.Length;
    }

    public void Step(ReadOnlySpan<int> tokens)
    {
        Steps.Add(tokens.ToArray());
        for (var row = 0; row < Rows; row++)
        {
            if (tokens[row] < 0) continue;
            _length[row]++;
            _said[row]++;
        }
        OnStep?.Invoke(Steps.Count);
    }

    public bool CanAppend { get; init; } = true;

    public List<int[]> Appended { get; } = [];

    public ReadOnlySpan<float> Append(int row, ReadOnlySpan<int> tokens)
    {
        Appended.Add(tokens.ToArray());
        var logits = new List<float>();
        for (var i = 0; i < tokens.Length; i++)
        {
            _length[row]++;
            _said[row]++;
            logits.AddRange(Logits(row));
        }
        return logits.ToArray();
    }

    public ReadOnlySpan<float> Logits(int row)
    {
        var logits = new float[vocabulary];
        logits[script[row][_said[row]]] = 5;
        Doubt?.Invoke(_said[row], logits);
        return logits;
    }

    public int Length(int row) => _length[row];

    public void Rewind(int row, int length)
    {
        _said[row] -= _length[row] - length;
        _length[row] = length;
    }

    public float[]? PictureAttention(int row) => Attention?.Invoke(row, _length[row]);

    public void Dispose() { }
}
