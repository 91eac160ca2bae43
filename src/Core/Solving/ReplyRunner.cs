using System.Diagnostics;
using Vlm.Engine;
using Vlm.Package;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Solving;

/// <summary>A picture that is ready for prompts, with the time that took. Dispose the picture.</summary>
internal sealed record ReadPicture(EncodedPicture Picture, TimeSpan CutTime, TimeSpan VisionTime);

/// <summary>How a question is put to a package's model and where its replies end.</summary>
/// <param name="Tokenizer">The package's tokenizer.</param>
/// <param name="Template">Its prompt.</param>
/// <param name="StopTokens">Tokens that end a reply.</param>
/// <param name="Grammar">What replies are held to; null when the package promises no layout.</param>
internal sealed record PromptKit(Tokenizer Tokenizer, PromptTemplate Template, int[] StopTokens, ReplyGrammar? Grammar)
{
    /// <exception cref="InvalidDataException">The prompt cannot be used, or not with this tokenizer.</exception>
    public static PromptKit Load(PackageConfig config, Tokenizer tokenizer)
    {
        var template = PromptTemplate.Load(Path.Combine(config.Folder, "prompt.json"));
        int[] stopTokens = [.. config.EosTokenIds, .. template.StopTokens.Select(tokenizer.Id)];
        return new PromptKit(tokenizer, template, stopTokens, template.MappingLines ? new ReplyGrammar(tokenizer, tokenizer.Id(template.StopTokens[0])) : null);
    }
}

/// <summary>Runs batches from pictures to replies: vision tower, prompts, the decode loop. Keeps one batch's memory and uses it again.</summary>
internal sealed class ReplyRunner(IVisionModel model, PictureConfig pictures, PromptKit kit) : IDisposable
{
    private IDecoder? _decoder;

    public PictureConfig Pictures => pictures;

    /// <inheritdoc cref="PromptTemplate.LeansOnWords"/>
    public bool LeansOnWords => kit.Template.LeansOnWords;

    public ReadPicture Read(RgbImage image)
    {
        var start = Stopwatch.GetTimestamp();
        var patches = Patches.From(image, pictures);
        var cut = Stopwatch.GetElapsedTime(start);
        start = Stopwatch.GetTimestamp();
        return new ReadPicture(model.Encode(patches), cut, Stopwatch.GetElapsedTime(start));
    }

    public Prompt ToPrompt(string code, ReadPicture read) =>
        Prompt.For(kit.Tokenizer.Encode(kit.Template.Text(code, read.Picture.Tokens)), [read.Picture], model.Config);

    /// <summary>What to generate for a request.</summary>
    public GenerationOptions Options(SolveRequest request)
    {
        var options = request.Options;
        return new GenerationOptions
        {
            MaxTokens = Math.Min(options.MaxTokens ?? int.MaxValue, kit.Template.MaxNewTokens),
            StopTokens = kit.StopTokens,
            Sampling = options.Sampling,
            Reply = IsHeld(options) ? kit.Grammar!.Start(request.Question.Code) : null,
            WithAttention = options.WithAttention,
            Alternatives = options.Alternatives,
            OnToken = IsHeld(options) ? null : options.OnToken,
            Stop = options.Stop,
        };
    }

    /// <summary>What to generate for a request whose plain letters are decided.</summary>
    public GenerationOptions Options(SolveRequest request, IReadOnlyDictionary<char, char> plain)
    {
        var options = Options(request);
        return options with { Reply = options.Reply!.With(plain) };
    }

    /// <summary>Whether the reply is held to a grammar. Its letters may still change when the first generation is over.</summary>
    public bool IsHeld(SolveOptions options) => options.IsConstrained && kit.Grammar is not null;

    /// <summary>
    /// One reply to each prompt, in their order. The decoder reads neighbours of equal length in one run, so equal lengths become neighbours.
    /// </summary>
    public Generation[] Generate(IReadOnlyList<Prompt> prompts, IReadOnlyList<GenerationOptions> options, CancellationToken cancellation)
    {
        int[] order = [.. Enumerable.Range(0, prompts.Count).OrderBy(i => prompts[i].Ids.Length)];
        var generations = Generator.Generate(Decoder(prompts.Count), [.. order.Select(i => prompts[i])], [.. order.Select(i => options[i])], cancellation);
        var result = new Generation[prompts.Count];
        for (var row = 0; row < order.Length; row++) result[order[row]] = generations[row];
        return result;
    }

    public void Dispose() => _decoder?.Dispose();

    private IDecoder Decoder(int rows)
    {
        if (_decoder?.Rows == rows) return _decoder;
        _decoder?.Dispose();
        _decoder = null;
        return _decoder = model.Allocate(rows);
    }
}
