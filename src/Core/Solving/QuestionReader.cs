using System.Diagnostics;
using Vlm.Engine;
using Vlm.Engine.Ort;
using Vlm.Package;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Solving;

/// <summary>A picture as the text decoder takes it, with the time that took. Dispose its features.</summary>
internal sealed record EncodedPicture(ImageFeatures Features, TimeSpan CutTime, TimeSpan VisionTime);

/// <summary>The words of a package: how a question is put to its model and where replies end.</summary>
/// <param name="Tokenizer">The package's tokenizer.</param>
/// <param name="Template">Its prompt.</param>
/// <param name="StopTokens">Tokens that end a reply.</param>
/// <param name="Grammar">What replies are held to; null when the package promises no layout.</param>
internal sealed record Wording(Tokenizer Tokenizer, PromptTemplate Template, int[] StopTokens, ReplyGrammar? Grammar);

/// <summary>From questions to replies: pictures through the vision tower, prompts, the decode loop. Keeps one batch's memory and uses it again.</summary>
internal sealed class QuestionReader(OnnxVlm vlm, PictureConfig pictures, Wording wording) : IDisposable
{
    private IDecoder? _decoder;

    public PictureConfig Pictures => pictures;

    /// <inheritdoc cref="PromptTemplate.LeansOnWords"/>
    public bool LeansOnWords => wording.Template.LeansOnWords;

    public EncodedPicture Encode(RgbImage image)
    {
        var start = Stopwatch.GetTimestamp();
        var patches = Patches.From(image, pictures);
        var cut = Stopwatch.GetElapsedTime(start);
        start = Stopwatch.GetTimestamp();
        return new EncodedPicture(vlm.Encode(patches), cut, Stopwatch.GetElapsedTime(start));
    }

    public Prompt ToPrompt(string code, EncodedPicture picture) =>
        Prompt.For(wording.Tokenizer.Encode(wording.Template.Text(code, picture.Features.Tokens)), [picture.Features], vlm.Config);

    /// <summary>What to generate for a request.</summary>
    public GenerationOptions Options(SolveRequest request)
    {
        var options = request.Options;
        return new GenerationOptions
        {
            MaxTokens = Math.Min(options.MaxTokens ?? int.MaxValue, wording.Template.MaxNewTokens),
            StopTokens = wording.StopTokens,
            Sampling = options.Sampling,
            Reply = IsHeld(options) ? wording.Grammar!.Start(request.Question.Code) : null,
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
    public bool IsHeld(SolveOptions options) => options.IsConstrained && wording.Grammar is not null;

    /// <summary>The decoder reads neighbours of equal length in one run, so equal lengths become neighbours.</summary>
    public Generation[] Generate(Prompt[] prompts, GenerationOptions[] options, CancellationToken cancellation)
    {
        int[] order = [.. Enumerable.Range(0, prompts.Length).OrderBy(i => prompts[i].Ids.Length)];
        var generations = Generator.Generate(Decoder(prompts.Length), [.. order.Select(i => prompts[i])], [.. order.Select(i => options[i])], cancellation);
        var result = new Generation[prompts.Length];
        for (var row = 0; row < order.Length; row++) result[order[row]] = generations[row];
        return result;
    }

    public void Dispose() => _decoder?.Dispose();

    private IDecoder Decoder(int rows)
    {
        if (_decoder?.Rows == rows) return _decoder;
        _decoder?.Dispose();
        _decoder = null;
        return _decoder = vlm.Allocate(rows);
    }
}
