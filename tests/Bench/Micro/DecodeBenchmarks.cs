using BenchmarkDotNet.Attributes;
using Vlm.Bench.Quality;
using Vlm.Cryptogram;
using Vlm.Inference;

namespace Vlm.Bench.Micro;

/// <summary>What do reading a prompt and one more token cost, alone and in a batch? Times the shipped package; run from the repository's root.</summary>
[MemoryDiagnoser]
public class DecodeBenchmarks : IDisposable
{
    private PackageSolver? _solver;
    private IDecoder? _decoder;
    private Prompt[] _prompts = [];
    private int[] _tokens = [];

    [Params(1, 16)]
    public int Rows { get; set; }

    [GlobalSetup]
    public void Open()
    {
        _solver = new PackageSolver("models/cryptogram-edge");
        _decoder = _solver.Model.Allocate(Rows);
        var source = new PuzzleSource(PuzzleOptions.For(Split.Clean), seed: 1);
        _prompts = [.. Enumerable.Range(0, Rows).Select(index => _solver.ToPrompt(source.At(index)))];
        _tokens = [.. Enumerable.Repeat(_prompts[0].Ids[^1], Rows)];
        _decoder.Prefill(_prompts);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        foreach (var picture in _prompts.SelectMany(prompt => prompt.Pictures))
            picture.Dispose();
        _decoder?.Dispose();
        _solver?.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public void Prefill() => _decoder!.Prefill(_prompts);

    /// <summary>The rows are cut back afterwards, so that every step has the same history.</summary>
    [Benchmark]
    public void Step()
    {
        _decoder!.Step(_tokens);
        for (int row = 0; row < Rows; row++)
            _decoder.Rewind(row, _prompts[row].Ids.Length);
    }
}
