using System.CommandLine;
using Vlm.Puzzles;

namespace Vlm.CommandLine.Tests;

public sealed class CliTests
{
    [Fact]
    public async Task What_a_person_can_put_right_is_one_line_and_exit_code_1()
    {
        Exception[] errors =
            [new UserException("no model"), new IOException("no model"), new InvalidDataException("no model"), new UnauthorizedAccessException("no model")];
        foreach (var error in errors)
            Assert.Equal((ExitCode.Failed, "error: no model\n"), await Run(_ => throw error));
        Assert.Equal((ExitCode.Failed, "error: no model\n"), await Run(_ => throw new AggregateException(new UserException("no model"))));
    }

    [Fact]
    public async Task A_configuration_that_makes_no_sense_ends_with_2() =>
        Assert.Equal((ExitCode.WrongUsage, "error: port: 0\n"), await Run(_ => throw new UsageException("port: 0")));

    [Fact]
    public async Task A_stopped_run_says_how_to_go_on_and_ends_with_130()
    {
        Assert.Equal((ExitCode.Interrupted, "3 of 9 done; give the same command\n"),
            await Run(_ => throw new StoppedException("3 of 9 done; give the same command")));
        Assert.Equal((ExitCode.Interrupted, "Interrupted.\n"), await Run(_ => throw new OperationCanceledException()));
    }

    [Fact]
    public async Task A_defect_of_the_program_keeps_its_stack_trace() =>
        await Assert.ThrowsAsync<InvalidOperationException>(() => Run(_ => throw new InvalidOperationException("a defect")));

    [Fact]
    public async Task What_a_verb_returns_is_the_exit_code() => Assert.Equal((7, ""), await Run(_ => 7));

    [Theory]
    [InlineData("--count 0", "--count is a whole number of at least 1, not '0'.")]
    [InlineData("--count many", "--count is a whole number of at least 1, not 'many'.")]
    [InlineData("--batch 300", "--batch is a whole number from 1 to 256, not '300'.")]
    [InlineData("--threads -1", "--threads is a whole number from 0 to 1024, not '-1'.")]
    [InlineData("--risk 1", "--risk is above 0 and below 1, not '1'.")]
    [InlineData("--split train", "--split is one of clean, vocabulary, letters, fonts, camera, wide, scene, not 'train'.")]
    [InlineData("--split 2", "--split is one of clean, vocabulary, letters, fonts, camera, wide, scene, not '2'.")]
    [InlineData("--splits clean,train", "--splits is some of clean,vocabulary,letters,fonts,camera,wide,scene, not 'clean,train'.")]
    [InlineData("--severity 3-1", "--severity is a number from 0 to 5 or a range such as 1-3, not '3-1'.")]
    [InlineData("--colour", "--colour")]
    public async Task A_value_that_makes_no_sense_is_refused_with_what_was_expected_and_found(string arguments, string message)
    {
        var (code, errors) = await Run(_ => 0, arguments.Split(' '));
        Assert.Equal(ExitCode.WrongUsage, code);
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.EndsWith("See --help.\n", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Values_are_read_and_the_usual_ones_stand_in_for_those_left_out()
    {
        ParseResult? found = null;
        Assert.Equal((0, ""), await Run(result => (found = result) is null ? 1 : 0, "--count", "12", "--splits", "camera,clean", "--severity", "2"));
        Assert.Equal((12, 16, 0.01), (found!.GetValue<int>("--count"), found.GetValue<int>("--batch"), found.GetValue<double>("--risk")));
        Assert.Equal([Split.Camera, Split.Clean], found.GetValue<Split[]>("--splits"));
        Assert.Equal((new SeverityRange(2, 2), Split.Fonts), (found.GetValue<SeverityRange>("--severity"), found.GetValue<Split>("--split")));
    }

    private static async Task<(int Code, string Errors)> Run(Func<ParseResult, int> verb, params string[] args)
    {
        var root = new RootCommand
        {
            CheckedOption.Positive("--count", "", 5), CheckedOption.Positive("--batch", "", 16, most: 256), CheckedOption.Threads(),
            CheckedOption.Probability("--risk", "", 0.01),
            CheckedOption.Split("", Split.Fonts), CheckedOption.Splits(""), CheckedOption.Severity(new SeverityRange(0, 3)),
        };
        root.SetAction(verb);
        var errors = new StringWriter { NewLine = "\n" };
        return (await Cli.RunAsync(root, args, Cli.UsualGrace, errors), errors.ToString());
    }
}
