using BenchmarkDotNet.Attributes;
using Vlm.Engine;
using Vlm.Package;
using Vlm.Puzzles;
using Vlm.Solving;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Bench.Micro;

/// <summary>
/// What do reading a prompt, one more token, and a mapping line of four tokens in one run cost, alone and in a batch? Times the shipped package; run from the
/// repository's root.
/// </summary>
[MemoryDiagnoser]
public class DecodeBenchmarks : IDisposable
{
    private const string Package = "models/cryptogram-edge";
    private const int Line = 4;

    private IVisionModel? _model;
    private IDecoder? _decoder;
    private Prompt[] _prompts = [];
    private int[] _tokens = [];

    [Params(1, 16)]
    public int Rows { get; set; }

    [GlobalSetup]
    public void Open()
    {
        _model = Engines.Open(Package);
        _decoder = _model.Allocate(Rows);
        var source = new PuzzleSource(PuzzleOptions.For(Split.Clean), seed: 1);
        var pictures = ProcessorConfig.Load(Path.Combine(Package, _model.Config.ProcessorFile));
        var tokenizer = Tokenizer.Load(Path.Combine(Package, "tokenizer.json"));
        var template = PromptTemplate.Load(Path.Combine(Package, "prompt.json"));
        _prompts = [.. Enumerable.Range(0, Rows).Select(index => ToPrompt(source.At(index)))];
        _tokens = [.. Enumerable.Repeat(_prompts[0].Ids[^1], Rows)];
        _decoder.Prefill(_prompts);

        Prompt ToPrompt(Puzzle puzzle)
        {
            var features = _model.Encode(Patches.From(puzzle.Picture, pictures));
            return Prompt.For(tokenizer.Encode(template.Text(puzzle.Code, features.Tokens)), [features], _model.Config);
        }
    }

    [GlobalCleanup]
    public void Dispose()
    {
        foreach (var picture in _prompts.SelectMany(prompt => prompt.Pictures))
            picture.Dispose();
        _decoder?.Dispose();
        _model?.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public void Prefill() => _decoder!.Prefill(_prompts);

    /// <summary>The rows are cut back afterwards, so that every step has the same history.</summary>
    [Benchmark]
    public void Step()
    {
        _decoder!.Step(_tokens);
        Rewind();
    }

    /// <summary>To be held against four steps.</summary>
    [Benchmark]
    public void Append()
    {
        Span<int> line = stackalloc int[Line];
        line.Fill(_tokens[0]);
        for (int row = 0; row < Rows; row++)
            _decoder!.Append(row, line);
        Rewind();
    }

    private void Rewind()
    {
        for (int row = 0; row < Rows; row++)
            _decoder!.Rewind(row, _prompts[row].Ids.Length);
    }
}
