using System.Buffers.Binary;
using System.Text.Json;
using Vlm.Package;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Solve;

/// <summary>Whatever is wrong, <c>solve</c> says it in one line, with the right exit code, and does the rest.</summary>
public sealed class SolveErrorsTests : IDisposable
{
    private readonly TestFiles _files = new();

    [Theory]
    [InlineData("", "picture")]
    [InlineData("solve", "picture")]
    [InlineData("paint a.png", "paint")]
    [InlineData("solve a.png", "needs its code")]
    [InlineData("solve a.png --code", "--code")]
    [InlineData("solve a.png --colour red --code q", "--colour")]
    [InlineData("solve a.png --code q --threads many", "many")]
    [InlineData("solve a.png --code q --engine torch", "--engine is ort or genai, not 'torch'")]
    [InlineData("solve a.png --code q --threads -1", "--threads is a whole number from 0 to 1024, not '-1'")]
    [InlineData("solve a.png --code 5", "letters a-z")]
    [InlineData("solve a.png --code qx", "single letters")]
    [InlineData("solve a.png b.png c.png --code q --code x", "2 codes were given for 3 pictures")]
    [InlineData("solve a.png b.png --code q --attention out.png", "--attention draws one picture")]
    public async Task Wrong_usage_is_exit_code_2(string arguments, string message)
    {
        var run = await EdgeProcess.Run(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message == "picture" && arguments.Length == 0 ? "command" : message, run.Errors, StringComparison.Ordinal);
        Assert.Equal("", arguments.Length == 0 ? "" : run.Output);
    }

    [Fact]
    public async Task An_empty_code_is_wrong_usage()
    {
        var run = await EdgeProcess.Run("solve", "a.png", "--code", "");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("the code is empty", run.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("missing", "is missing")]
    [InlineData("truncated", "the manifest says")]
    [InlineData("changed", "has SHA-256")]
    [InlineData("no manifest", "not a model package")]
    [InlineData("no folder", "does not exist")]
    public async Task A_damaged_package_is_one_error(string damage, string message)
    {
        var package = _files.TinyPackage();
        var graph = Path.Combine(package, "text.onnx");
        if (damage == "missing") File.Delete(graph);
        if (damage == "truncated") File.WriteAllBytes(graph, File.ReadAllBytes(graph)[..100]);
        if (damage == "changed") Flip(graph);
        if (damage == "no manifest") File.Delete(Path.Combine(package, "manifest.json"));
        if (damage == "no folder") package = _files.File("nowhere");

        var run = await EdgeProcess.Run("solve", TestFiles.Picture("a.png"), "--code", "q", "--model", package, "--json");

        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Single(run.Errors.Trim().Split('\n'));
        Assert.Contains(message, run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_package_that_hides_a_corrupt_graph_behind_right_hashes_is_one_error()
    {
        var package = _files.TinyPackage();
        File.WriteAllText(Path.Combine(package, "vision.onnx"), "not a graph");
        ModelFolder.Seal(package, "fp32", new Provenance());
        var run = await EdgeProcess.Run("solve", TestFiles.Picture("a.png"), "--code", "q", "--model", package);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("vision.onnx' cannot be loaded", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pictures_that_cannot_be_read_get_an_error_each_and_the_others_are_tried()
    {
        var good = File.ReadAllBytes(TestFiles.Picture("a.png"));
        Write("text.png", "no picture"u8.ToArray());
        Write("cut.png", good[..(good.Length / 2)]);
        Write("empty.png", []);
        Write("huge.png", WithSize(good, 20_000, 20_000));
        Write("line.png", ImageCodec.EncodePng(new RgbImage(900, 3, new byte[900 * 9])));
        var names = new[] { "text.png", "cut.png", "empty.png", "huge.png", "line.png", "absent.png", "." + Path.DirectorySeparatorChar + "good.png" };
        Write("good.png", good);

        var run = await EdgeProcess.Run(["solve", .. names.Select(_files.File), "--code", "q x", "--model", _files.TinyPackage(), "--json"]);

        Assert.Equal(1, run.ExitCode);
        var lines = run.Lines.Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(names.Select(_files.File), lines.Select(line => line.GetProperty("picture").GetString()));
        Assert.All(lines, line => Assert.NotEqual("", line.GetProperty("error").GetString()));
        Assert.All(lines.Take(6), line => Assert.False(line.TryGetProperty("timings", out _)));
        // The random model's reply cannot be read, but it was asked.
        Assert.True(lines[6].GetProperty("timings").GetProperty("vision").GetDouble() > 0);
        Assert.Equal("max_tokens", lines[6].GetProperty("finish_reason").GetString());
        Assert.Contains("64 million", lines[3].GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_in_a_pictures_place_and_a_pointer_of_git_LFS_are_called_that()
    {
        var folder = Directory.CreateDirectory(_files.File("pictures")).FullName;
        Directory.CreateDirectory(Path.Combine(folder, "sub"));
        File.WriteAllText(Path.Combine(folder, "pointer.png"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
        File.WriteAllText(Path.Combine(folder, "codes.csv"), "picture,code\nsub,q\npointer.png,q\n");

        var run = await EdgeProcess.Run("solve", folder, "--model", _files.TinyPackage(), "--json");

        Assert.Equal(1, run.ExitCode);
        var errors = run.Lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("error").GetString()!).ToArray();
        Assert.Contains("sub' is a folder; give a picture in it", errors[0], StringComparison.Ordinal);
        Assert.Contains("is a git-LFS pointer", errors[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_code_longer_than_the_context_is_one_error()
    {
        var package = _files.TinyPackage();
        var config = Path.Combine(package, "genai_config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"max_length\": 512", "\"max_length\": 90", StringComparison.Ordinal));
        ModelFolder.Seal(package, "fp32", new Provenance());

        var run = await EdgeProcess.Run("solve", TestFiles.Picture("a.png"), "--code", string.Join(' ', Enumerable.Repeat("q", 60)), "--model", package);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("the model takes 90", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attention_from_a_package_that_does_not_show_it_is_one_error_and_writes_nothing()
    {
        var run = await EdgeProcess.Run(
            "solve", TestFiles.Picture("a.png"), "--code", "q", "--model", _files.TinyPackage(), "--attention", _files.File("out.png"));
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Contains("does not show where it looks", run.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(_files.File("out.png")));
    }

    [Theory]
    [InlineData(null, "has no codes.csv")]
    [InlineData("", "is empty")]
    [InlineData("file,code\na.png,q\n", "needs picture and code")]
    [InlineData("picture,code\na.png\n", "row 2")]
    [InlineData("picture,code\n\"a.png,q\n", "closing quote")]
    public async Task A_folder_without_a_table_of_codes_is_one_error(string? table, string message)
    {
        var folder = Directory.CreateDirectory(_files.File("pictures")).FullName;
        if (table is not null) File.WriteAllText(Path.Combine(folder, "codes.csv"), table);
        var run = await EdgeProcess.Run("solve", folder);
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Contains(message, run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_code_for_folders_only_is_wrong_usage()
    {
        var run = await EdgeProcess.Run("solve", _files.Folder, "--code", "q");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("codes.csv", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_of_a_table_that_cannot_be_solved_get_an_error_each_in_order()
    {
        var folder = Directory.CreateDirectory(_files.File("pictures")).FullName;
        File.Copy(TestFiles.Picture("a.png"), Path.Combine(folder, "a, b.png"));
        File.WriteAllText(Path.Combine(folder, "codes.csv"),
            "kind,Code,Picture,ANSWER\r\nx,Q X,\"a, b.png\",Ab\r\n\r\ny,q5,none.png,\r\nz,,\"a, b.png\",cat\r\n");

        var run = await EdgeProcess.Run("solve", folder, "--model", _files.TinyPackage(), "--json");

        Assert.Equal(1, run.ExitCode);
        var lines = run.Lines.Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(["a, b.png", "none.png", "a, b.png"], lines.Select(line => line.GetProperty("picture").GetString()));
        Assert.Equal("q x", lines[0].GetProperty("code").GetString());
        Assert.Equal("ab", lines[0].GetProperty("expected").GetString());
        Assert.False(lines[0].GetProperty("correct").GetBoolean());
        Assert.False(lines[1].TryGetProperty("expected", out _));
        Assert.Contains("letters a-z", lines[1].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Contains("the code is empty", lines[2].GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    public void Dispose() => _files.Dispose();

    private void Write(string name, byte[] bytes) => File.WriteAllBytes(_files.File(name), bytes);

    private static void Flip(string path)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    /// <summary>The same PNG with another size in its header, checksum included.</summary>
    private static byte[] WithSize(byte[] png, int width, int height)
    {
        var changed = png.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(changed.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(changed.AsSpan(20), height);
        BinaryPrimitives.WriteUInt32BigEndian(changed.AsSpan(29), Crc32(changed.AsSpan(12, 17)));
        return changed;
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }
        return ~crc;
    }
}
