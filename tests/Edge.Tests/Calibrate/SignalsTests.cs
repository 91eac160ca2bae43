using Vlm.Engine;
using Vlm.Gating;
using Vlm.Solving;
using Vlm.Text;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Calibrate;

/// <summary>Signals of a reply whose tokens all have the same known probability.</summary>
public sealed class SignalsTests : IDisposable
{
    private const string Reply = " l→ c\n b→ a\n p→ t\n _→ _\n o→ d\n<chars> c a t _ d</chars>\n</think>\n<answer>cat d</answer>";

    private readonly TestFiles _files = new();
    private readonly Solution _solution;
    private readonly Tokenizer _tokenizer;

    public SignalsTests()
    {
        Telemetry.Off();
        var package = ScriptedPackage.Write(_files.File("package"), Reply);
        _tokenizer = Tokenizer.Load(Path.Combine(package, "tokenizer.json"));
        using var solver = Solver.Open(package, new EngineOptions { Threads = 1 });
        var picture = ImageCodec.Decode(File.ReadAllBytes(TestFiles.Picture("a.png")));
        _solution = solver.Solve(new Question(picture, "l b p _ o"), cancellation: TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Fields_are_the_letters_of_the_mapping_lines_the_chars_and_the_answer()
    {
        var fields = _solution.Fields!;
        Assert.Equal("cat_d", Letters(fields.Mapping));
        Assert.Equal("cat_d", Letters(fields.Chars));
        Assert.Equal("catd", Letters(fields.Answer));
    }

    [Fact]
    public void Every_token_has_its_probability_and_letters_that_nobody_was_asked_for_are_as_unlikely_as_any()
    {
        var signals = Signals.Of(_solution);
        var log = Math.Log(ScriptedPackage.Probability);
        foreach (var name in (string[])[Signals.LeastLogProbability, Signals.LeastMapping, Signals.MeanLogProbability])
            Assert.Equal(-Math.Log(1e-6 - log), signals[name], 1e-4);
        Assert.Equal(-Math.Log(1e-6 - _solution.Generation.Choices.Count * log), signals[Signals.SequenceLogProbability], 1e-4);
        Assert.Equal((1.0, 1.0), (signals["verify.chars_match_answer"], signals["verify.mapping_matches_chars"]));
        Assert.Equal((Math.Log(1e-6), Math.Log(1e-6)), (signals[Signals.PosteriorOfLetters], signals[Signals.PosteriorOfWords]));
    }

    public void Dispose() => _files.Dispose();

    private string Letters(IReadOnlyList<int> field) =>
        string.Concat(field.Select(i => _tokenizer.Decode([_solution.Generation.Choices[i].Token]).Trim()));
}
