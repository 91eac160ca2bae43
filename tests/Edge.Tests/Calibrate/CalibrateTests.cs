using System.Text.Json;
using Vlm.Gating;
using Vlm.Package;

namespace Vlm.Edge.Tests.Calibrate;

/// <summary>The command as a user gives it, over a package that says one thing.</summary>
public sealed class CalibrateTests : IDisposable
{
    private const string Reply = " l→ c\n b→ a\n p→ t\n _→ _\n o→ d\n c→ o\n d→ g\n<chars> c a t _ d o g</chars>\n</think>\n<answer>cat dog</answer>";

    private readonly TestFiles _files = new();

    [Fact]
    public async Task Enough_right_answers_are_certified_and_solve_says_so()
    {
        var package = ScriptedPackage.Write(_files.File("package"), Reply);
        var data = Data(rows: 150, wrong: 0);

        var run = await Calibrate(package, "--data", data, "--risk", "0.05");

        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
        Assert.Contains("0 of 75 wrong", run.Output, StringComparison.Ordinal);
        var gate = Gate.Find(ModelFolder.Open(package))!;
        Assert.Equal((0.05, 75, 0, new SplitSizes(45, 75, 30)),
            (gate.Certificate.Risk, gate.Certificate.Accepted, gate.Certificate.Errors, gate.Certificate.Splits));
        var page = Path.ChangeExtension(Assert.Single(Directory.GetFiles(_files.File("runs"), "*.html")), null);
        Assert.Equal(
            [$"{page}-deferral.png", $"{page}-reliability.png", $"{page}-risk-coverage.png"],
            Directory.GetFiles(_files.File("runs"), "*.png").Where(file => new FileInfo(file).Length > 0).Order(StringComparer.Ordinal));

        var solved = await EdgeProcess.Run("solve", Path.Combine(data, "a.png"), "--code", "l b p _ o c d", "--model", package, "--json");
        var answer = JsonDocument.Parse(solved.Output).RootElement;
        Assert.True(answer.GetProperty("certified").GetBoolean());
        Assert.Equal(46.0 / 47, answer.GetProperty("confidence").GetDouble(), 1e-5);
        Assert.Equal(ScriptedPackage.Probability, answer.GetProperty("raw_confidence").GetDouble(), 1e-5);

        // The same reply to a code that it cannot belong to.
        var ruledOut = await EdgeProcess.Run("solve", Path.Combine(data, "a.png"), "--code", "l l p _ o c d", "--model", package);
        Assert.Contains("no cipher gives this answer: function", ruledOut.Output, StringComparison.Ordinal);
        var certified = await EdgeProcess.Run("solve", Path.Combine(data, "a.png"), "--code", "l b p _ o c d", "--model", package);
        Assert.Contains("certified: at most 5 % of such answers are wrong, at 95 % confidence", certified.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_few_puzzles_write_nothing_and_say_how_many_are_missing_and_more_go_on_from_there()
    {
        var package = ScriptedPackage.Write(_files.File("package"), Reply);
        var run = await Calibrate(package, "--data", Data(rows: 40, wrong: 0));
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("40 labelled puzzles are too few to certify a risk of 1 % at 95 % confidence: about 558 more are needed", run.Errors,
            StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(package, ModelFolder.GateName)));
        Assert.Empty(Directory.GetFiles(_files.File("runs"), "*.html"));

        var again = await Calibrate(package, "--data", _files.File("data"), "--risk", "0.5");
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("40 of 40 puzzles were measured before", again.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_is_wrong_too_often_is_not_certified()
    {
        var package = ScriptedPackage.Write(_files.File("package"), Reply);
        var run = await Calibrate(package, "--data", Data(rows: 150, wrong: 60), "--risk", "0.05");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("cannot be certified", run.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(package, ModelFolder.GateName)));
    }

    [Fact]
    public async Task Pictures_without_a_decoder_that_are_answered_as_surely_as_others_stop_the_certificate_by_name()
    {
        var package = ScriptedPackage.Write(_files.File("package"), Reply);
        var folder = Data(rows: 150, wrong: 0);
        var rows = File.ReadAllLines(Path.Combine(folder, "codes.csv"));
        File.WriteAllLines(Path.Combine(folder, "codes.csv"), [rows[0] + ",stratum", .. rows[1..], .. rows[1..].Select(row => row + ",empty")]);
        var run = await Calibrate(package, "--data", folder, "--risk", "0.05");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("cannot be promised for the stratum empty: of 75 puzzles that cannot be read 75 are as sure", run.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(package, ModelFolder.GateName)));

        var without = await Calibrate(package, "--data", folder, "--risk", "0.05", "--promise", "whole");
        Assert.True(without.ExitCode == 0, without.Output + without.Errors);
        Assert.Contains("Nothing promised for: absent, covered, contradictory, reversed, empty, two.", without.Output, StringComparison.Ordinal);
        var certificate = Gate.Find(ModelFolder.Open(package))!.Certificate;
        Assert.Equal(("whole", 75, 0), (certificate.Strata[0].Name, certificate.Strata[0].Asked, certificate.Strata[0].Wrong));
        var page = await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(_files.File("runs"), "*.html")), TestContext.Current.CancellationToken);
        Assert.Contains("data:image/jpeg;base64,", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gate_of_another_package_stops_solve()
    {
        var package = ScriptedPackage.Write(_files.File("package"), Reply);
        Assert.Equal(0, (await Calibrate(package, "--data", Data(rows: 40, wrong: 0), "--risk", "0.5")).ExitCode);
        File.AppendAllText(Path.Combine(package, "prompt.json"), "\n");
        ModelFolder.Seal(package, "fp32", new Provenance());
        var run = await EdgeProcess.Run("solve", TestFiles.Picture("a.png"), "--code", "q", "--model", package);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("Calibrate the package again", run.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--risk 1", "--risk is above 0 and below 1")]
    [InlineData("--confidence 95", "--confidence is above 0 and below 1")]
    [InlineData("--split train", "--split is one of")]
    [InlineData("--severity 3-9", "--severity is a number")]
    [InlineData("--count 0", "--count is a whole number from 1 to")]
    [InlineData("--data x --count 5", "--data uses a folder whole")]
    [InlineData("--data x --unreadable 5", "--data uses a folder whole")]
    [InlineData("--strata absent,empty", "--strata lacks whole")]
    [InlineData("--promise blurred", "--promise is some of whole,absent")]
    [InlineData("--strata whole,empty:0", "--strata is some of whole,absent")]
    [InlineData("--strata whole,whole:5", "each once")]
    public async Task Wrong_usage_is_exit_code_2(string arguments, string message)
    {
        var run = await EdgeProcess.Run(["calibrate", .. arguments.Split(' ')]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message, run.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("picture,code\na.png,q\n", "has no answer")]
    [InlineData("picture,code,answer\na.png,q,a\nb.png,x,\n", "row 3 of codes.csv ('b.png') has no answer")]
    [InlineData("picture,code,answer\nmissing.png,q,a\n", "missing.png")]
    [InlineData("picture,code,answer,stratum\na.png,q,a,blurred\n", "row 2: the stratum is 'blurred'; it is one of whole, absent")]
    [InlineData("picture,code,answer\na.png,5,a\n", "only letters a-z")]
    public async Task Puzzles_that_cannot_be_used_are_one_error(string table, string message)
    {
        var package = ScriptedPackage.Write(_files.File("package"), Reply);
        var folder = Data(rows: 1, wrong: 0);
        File.WriteAllText(Path.Combine(folder, "codes.csv"), table);
        var run = await Calibrate(package, "--data", folder);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(message, run.Errors, StringComparison.Ordinal);
    }

    public void Dispose() => _files.Dispose();

    private Task<EdgeRun> Calibrate(string package, params string[] arguments) =>
        EdgeProcess.Run(["calibrate", "--model", package, "--runs", _files.File("runs"), "--threads", "1", .. arguments]);

    private string Data(int rows, int wrong)
    {
        var folder = Directory.CreateDirectory(_files.File("data")).FullName;
        File.Copy(TestFiles.Picture("a.png"), Path.Combine(folder, "a.png"), overwrite: true);
        var lines = Enumerable.Range(0, rows).Select(row => $"a.png,l b p _ o c d,{(row < wrong ? "cat dig" : "cat dog")}");
        File.WriteAllText(Path.Combine(folder, "codes.csv"), $"picture,code,answer\n{string.Join('\n', lines)}\n");
        return folder;
    }
}
