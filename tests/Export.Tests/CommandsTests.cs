using System.CommandLine;
using Vlm.CommandLine;
using Vlm.Export.Commands;
using Vlm.Package;

namespace Vlm.Export.Tests;

public sealed class CommandsTests(TinyPackages packages) : IDisposable
{
    private readonly TempFolder _folder = new();

    [Fact]
    public async Task Export_then_check_end_with_0()
    {
        TinyPackages.CopyCheckpoint(Path.Combine(_folder["model"], "checkpoint"));

        string[] export = ["export", Path.Combine(_folder["model"], "checkpoint"), "--to", _folder["model"], "--precision", "int4", "--block-size", "64"];
        Assert.Equal((ExitCode.Success, ""), await Run(export));
        Assert.Equal((ExitCode.Success, ""), await Run("check", _folder["model"]));
        Assert.Equal("int4", ModelFolder.Open(_folder["model"]).Manifest.Precision);
    }

    [Theory]
    [InlineData("export", "x", "--to", "y", "--precision", "fp8")]
    [InlineData("export", "x", "--to", "y", "--precision", "int4", "--block-size", "33")]
    [InlineData("export", "x", "--to", "y", "--precision", "int4", "--block-size", "many")]
    [InlineData("export", "x")]
    [InlineData("export")]
    [InlineData("check")]
    [InlineData("convert", "x")]
    [InlineData("check", "x", "--strict")]
    public async Task A_command_line_that_is_not_understood_ends_with_2(params string[] args)
    {
        var (code, errors) = await Run(args);

        Assert.Equal(ExitCode.WrongUsage, code);
        Assert.StartsWith("error: ", errors);
        Assert.DoesNotContain(" at Vlm.", errors);
    }

    [Fact]
    public async Task An_unknown_precision_is_answered_with_the_known_ones()
    {
        var (_, errors) = await Run("export", packages.Checkpoint, "--to", _folder["package"], "--precision", "fp8");

        Assert.Contains("--precision is one of fp32, fp16, int8, int4, not 'fp8'", errors);
    }

    [Theory]
    [InlineData("There is no folder")]
    public async Task A_checkpoint_that_is_not_there_ends_with_1_and_one_line(string message)
    {
        var (code, errors) = await Run("export", _folder["nowhere"], "--to", _folder["package"]);

        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains(message, Assert.Single(errors.TrimEnd().Split('\n')));
        Assert.False(Directory.Exists(_folder["package"]));
    }

    [Fact]
    public async Task A_target_that_cannot_be_written_ends_with_1_and_one_line()
    {
        File.WriteAllText(_folder["file"], "in the way");

        var (code, errors) = await Run("export", packages.Checkpoint, "--to", Path.Combine(_folder["file"], "package"));

        Assert.Equal(ExitCode.Failed, code);
        Assert.Single(errors.TrimEnd().Split('\n'));
        Assert.Equal("in the way", File.ReadAllText(_folder["file"]));
    }

    [Fact]
    public async Task A_target_that_is_a_file_or_a_foreign_folder_ends_with_1()
    {
        File.WriteAllText(_folder["file"], "mine");
        Directory.CreateDirectory(_folder["folder/inside"]);

        foreach (var target in new[] { _folder["file"], _folder["folder"] })
        {
            var (code, errors) = await Run("export", packages.Checkpoint, "--to", target);
            Assert.Equal(ExitCode.Failed, code);
            Assert.StartsWith($"error: '{target}'", errors);
        }
    }

    [Fact]
    public async Task A_failed_check_ends_with_1()
    {
        Assert.Equal((ExitCode.Failed, ""), await Run("check", Repository.Golden("genai-reference", "package")));

        var (code, errors) = await Run("check", _folder["nowhere"]);
        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("There is no folder", errors);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<(int Code, string Errors)> Run(params string[] args)
    {
        using var errors = new StringWriter();
        return (await Cli.RunAsync(new RootCommand { ExportCommand.Create(), CheckCommand.Create() }, args, Cli.UsualGrace, errors), errors.ToString());
    }
}

