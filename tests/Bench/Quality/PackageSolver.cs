using Vlm.Answers;
using Vlm.Cryptogram;
using Vlm.Inference;
using Vlm.Model;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Bench.Quality;

/// <summary>Solves batches of puzzles with a model package, greedily.</summary>
public sealed class PackageSolver : IDisposable
{
    private readonly PictureConfig _pictures;
    private readonly Tokenizer _tokenizer;
    private readonly PromptTemplate _template;
    private readonly GenerationOptions _options;
    private IDecoder? _decoder;

    /// <param name="folder">The package.</param>
    /// <exception cref="ModelException">A file is missing or damaged.</exception>
    public PackageSolver(string folder)
    {
        Model = OnnxVlm.Open(folder);
        _pictures = ProcessorConfig.Load(Path.Combine(folder, Model.Config.ProcessorFile));
        _tokenizer = Tokenizer.Load(Path.Combine(folder, "tokenizer.json"));
        _template = PromptTemplate.Load(Path.Combine(folder, "prompt.json"));
        _options = new GenerationOptions { MaxTokens = _template.MaxNewTokens, StopTokens = [.. _template.StopTokens.Select(_tokenizer.Id)] };
    }

    /// <summary>The engine; lives as long as the solver.</summary>
    public OnnxVlm Model { get; }

    /// <summary>Solves one batch; one solution per puzzle, in order.</summary>
    public IReadOnlyList<Solution> Solve(IReadOnlyList<Puzzle> puzzles)
    {
        if (_decoder?.Rows != puzzles.Count)
        {
            _decoder?.Dispose();
            _decoder = Model.Allocate(puzzles.Count);
        }

        Prompt[] prompts = [.. puzzles.Select(ToPrompt)];
        try
        {
            return [.. Generator.Generate(_decoder, prompts, _options).Select(samples => ToSolution(samples[0]))];
        }
        finally
        {
            foreach (var picture in prompts.SelectMany(prompt => prompt.Pictures))
                picture.Dispose();
        }
    }

    /// <summary>The question of one puzzle; its picture must be disposed.</summary>
    public Prompt ToPrompt(Puzzle puzzle)
    {
        var picture = Model.Encode(Patches.From(puzzle.Picture, _pictures));
        int[] ids = _tokenizer.Encode(_template.Text(puzzle.Code, picture.Tokens));
        return new Prompt(ids, RopePositions.For(ids, [picture.Grid], Model.Config.Tokens), [picture]);
    }

    public void Dispose()
    {
        _decoder?.Dispose();
        Model.Dispose();
    }

    private Solution ToSolution(Generation generation) => ReplyParser.Parse(_tokenizer.Decode(generation.TextTokens)) switch
    {
        ReplyResult.Reply reply => new Solution(reply.Answer, null, generation.Choices.Count),
        ReplyResult.ParseFailure failure => new Solution(null, new UnreadableReply(failure.Reason.ToString(), failure.Detail), generation.Choices.Count),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
