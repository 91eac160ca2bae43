using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Engine;
using Vlm.Gating;
using Vlm.Solving;

namespace Vlm.Edge.Solve;

/// <summary><c>solve</c>: pictures and codes in, plain text out.</summary>
internal static class SolveCommand
{
    private static readonly Argument<string[]> Pictures = new("picture")
    {
        Description = "PNG, JPEG, WebP or BMP files, or folders with a codes.csv (columns picture, code and, when known, answer).",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<string[]> Codes = new("--code")
    {
        Description = "The coded message, letters spaced, _ between words: \"q x _ a y f\". Once for all pictures, or once per picture.",
    };

    private static readonly Option<string> Model = CheckedOption.Model();

    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object per picture and line." };

    private static readonly Option<string?> Attention = new("--attention")
    {
        Description = "Draw where the model looked for each letter into this PNG (one picture only).",
    };

    private static readonly Option<int> Threads = CheckedOption.Threads();

    private static readonly Option<EngineKind> Engine = CheckedOption.Engine();

    private static readonly Option<ProviderKind> Provider = CheckedOption.Provider();

    private static readonly Option<FindMode> Find = CheckedOption.Find();

    private static readonly Option<string> Finder = CheckedOption.Finder();

    public static Command Create()
    {
        // Whatever is no option counts as a picture, a misspelt option too.
        Pictures.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => token.Value.StartsWith('-'))) result.AddError($"There is no option '{token.Value}'.");
        });
        var command = new Command("solve", "Decode messages with decoder pictures.")
        {
            Pictures, Codes, Model, Json, Attention, Threads, Engine, Provider, Find, Finder,
        };
        command.SetAction((result, cancellation) => Task.FromResult(Run(result, cancellation)));
        return command;
    }

    private static int Run(ParseResult result, CancellationToken cancellation)
    {
        var items = SolveItems.From(result.GetValue(Pictures)!, result.GetValue(Codes) ?? []);
        var attention = result.GetValue(Attention);
        if (attention is not null && items.Count != 1) throw new UsageException($"--attention draws one picture; {items.Count} were given.");
        var engine = new EngineOptions { Kind = result.GetValue(Engine), Provider = result.GetValue(Provider), Threads = result.GetValue(Threads) };
        var search = new SheetSearch(ModelPlace.Locate(result.GetValue(Finder)!), result.GetValue(Find));
        using var solver = Solver.Open(ModelPlace.Locate(result.GetValue(Model)!), engine, search);
        ProviderNotice.Tell(solver, result.GetResult(Provider) is { Implicit: false });
        return new SolveRun(solver, Gate.Find(solver.Folder), result.GetValue(Json), attention).Run(items, cancellation);
    }
}
