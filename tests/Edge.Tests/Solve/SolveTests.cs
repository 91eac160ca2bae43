using System.Text.Json;
using Vlm.Puzzles;
using Vlm.Vision;

namespace Vlm.Edge.Tests.Solve;

/// <summary>What <c>solve</c> prints and draws, over a package that always says the same.</summary>
public sealed class SolveTests : IDisposable
{
    private const string Reply = " l→ c\n b→ a\n p→ t\n _→ _\n o→ d\n c→ o\n d→ g\n<chars> c a t _ d o g</chars>\n</think>\n<answer>cat dog</answer>";
    private readonly TestFiles _files = new();
    private readonly string _package;

    public SolveTests() => _package = ScriptedPackage.Write(_files.File("package"), Reply);

    [Fact]
    public async Task One_picture_prints_text_confidence_and_time()
    {
        var run = await EdgeProcess.Run("solve", TestFiles.Picture("b.png"), "--code", "L b  p _ O c d", "--model", _package);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Equal(3, run.Lines.Length);
        Assert.Equal("cat dog", run.Lines[0]);
        Assert.Equal($"confidence {ScriptedPackage.Probability:F3} (raw: geometric mean of the answer tokens' probabilities)", run.Lines[1]);
        Assert.Matches(@"^time \d+ ms: decode picture [\d.]+, find sheet [\d.]+, patches [\d.]+, vision [\d.]+, prefill [\d.]+, decode [\d.]+$", run.Lines[2]);
    }

    [Fact]
    public async Task A_jpeg_that_only_lacks_its_end_mark_is_answered_with_a_warning()
    {
        var jpeg = ImageCodec.EncodeJpeg(ImageCodec.Decode(File.ReadAllBytes(TestFiles.Picture("b.png"))), 90);
        File.WriteAllBytes(_files.File("cut.jpg"), jpeg[..^2]);

        var run = await EdgeProcess.Run("solve", _files.File("cut.jpg"), "--code", "l b p _ o c d", "--model", _package);
        var json = await EdgeProcess.Run("solve", _files.File("cut.jpg"), "--code", "l b p _ o c d", "--model", _package, "--json");

        Assert.Equal((0, "cat dog"), (run.ExitCode, run.Lines[0]));
        Assert.Contains(run.Lines, line => line.StartsWith("warning: The JPEG lacks its end mark", StringComparison.Ordinal));
        var said = JsonDocument.Parse(Assert.Single(json.Lines)).RootElement.GetProperty("warning").GetString();
        Assert.Contains("lacks its end mark", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_decoder_that_lies_on_its_side_in_a_png_is_read_as_its_exif_says()
    {
        var run = await EdgeProcess.Run("solve", Repository.Golden("field/png-exif"), "--model", Path.Combine(Repository.Root, "models", "cryptogram-edge"));
        Assert.True(run.ExitCode == 0, run.Errors);
        Assert.Contains("5 pictures, 0 failed, 5 of 5 known answers correct", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_is_one_object_with_everything()
    {
        var run = await EdgeProcess.Run("solve", TestFiles.Picture("b.png"), "--code", "l b p _ o c d", "--model", _package, "--json", "--threads", "1");

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        var answer = JsonDocument.Parse(Assert.Single(run.Lines)).RootElement;
        Assert.Equal(
            ["picture", "code", "text", "status", "confidence", "finish_reason", "timings"],
            answer.EnumerateObject().Select(member => member.Name));
        Assert.Equal(TestFiles.Picture("b.png"), answer.GetProperty("picture").GetString());
        Assert.Equal("l b p _ o c d", answer.GetProperty("code").GetString());
        Assert.Equal("cat dog", answer.GetProperty("text").GetString());
        Assert.Equal(ScriptedPackage.Probability, answer.GetProperty("confidence").GetDouble(), 1e-5);
        Assert.Equal("end_of_text", answer.GetProperty("finish_reason").GetString());
        var timings = answer.GetProperty("timings").EnumerateObject().ToDictionary(phase => phase.Name, phase => phase.Value.GetDouble());
        Assert.Equal(["decode_picture", "find", "patches", "vision", "prefill", "decode", "total"], timings.Keys);
        Assert.Equal(timings["total"], timings.Values.SkipLast(1).Sum(), 0.1);
    }

    [Fact]
    public async Task An_answer_in_which_words_had_a_say_says_so()
    {
        var folder = Directory.CreateDirectory(_files.File("pictures")).FullName;
        var source = new PuzzleSource(PuzzleOptions.For(Split.Camera, 5, 5), 901);
        var table = "picture,code\n";
        for (var i = 0; i < 4; i++)
        {
            var puzzle = source.At(i);
            File.WriteAllBytes(Path.Combine(folder, $"{i}.png"), ImageCodec.EncodePng(puzzle.Picture));
            table += $"{i}.png,{puzzle.Code}\n";
        }
        File.WriteAllText(Path.Combine(folder, "codes.csv"), table);
        var larger = Path.Combine(Repository.Root, "models", "cryptogram-escalation");

        var json = await EdgeProcess.Run("solve", folder, "--model", larger, "--json");
        var plain = await EdgeProcess.Run("solve", folder, "--model", larger);

        bool[] leant =
            [.. json.Lines.Select(line => JsonDocument.Parse(line).RootElement.TryGetProperty("leant_on_words", out var member) && member.GetBoolean())];
        Assert.Contains(true, leant);
        Assert.Equal(leant, plain.Lines.Take(4).Select(line => line.Contains("leant on words", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_folder_is_solved_in_the_order_of_its_table_and_known_answers_are_compared()
    {
        var folder = Directory.CreateDirectory(_files.File("pictures")).FullName;
        foreach (var name in (string[])["a.png", "b.png", "c.png"]) File.Copy(TestFiles.Picture(name), Path.Combine(folder, name));
        File.WriteAllText(Path.Combine(folder, "codes.csv"), "picture,code,answer,kind\nc.png,l b p,CAT DOG,x\na.png,L B,other,y\nb.png,q,,z\n");

        var json = await EdgeProcess.Run("solve", folder, "--model", _package, "--json");
        var plain = await EdgeProcess.Run("solve", folder, "--model", _package);

        Assert.Equal((0, 0, ""), (json.ExitCode, plain.ExitCode, json.Errors + plain.Errors));
        var lines = json.Lines.Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(["c.png", "a.png", "b.png"], lines.Select(line => line.GetProperty("picture").GetString()));
        Assert.Equal(["cat dog", "other"], lines.Take(2).Select(line => line.GetProperty("expected").GetString()));
        Assert.Equal([true, false], lines.Take(2).Select(line => line.GetProperty("correct").GetBoolean()));
        Assert.False(lines[2].TryGetProperty("correct", out _));
        Assert.Equal(4, plain.Lines.Length);
        Assert.EndsWith("correct", plain.Lines[0], StringComparison.Ordinal);
        Assert.EndsWith("WRONG, expected: other", plain.Lines[1], StringComparison.Ordinal);
        Assert.Equal("3 pictures, 0 failed, 1 of 2 known answers correct", plain.Lines[3]);
    }

    [Fact]
    public async Task Pictures_in_every_format_size_and_orientation_are_solved()
    {
        var formats = Path.Combine(TestFiles.Golden, "pictures");
        string[] pictures = [.. Directory.EnumerateFiles(formats).Where(file => Path.GetExtension(file) is ".png" or ".jpg" or ".webp" or ".bmp").Order()];
        var grey = _files.File("tiny.jpg");
        File.WriteAllBytes(grey, ImageCodec.EncodeJpeg(new RgbImage(31, 9, new byte[31 * 9 * 3]), 80));

        var run = await EdgeProcess.Run(["solve", .. pictures, grey, "--code", "l b p", "--model", _package, "--json"]);

        Assert.True(pictures.Select(Path.GetExtension).Distinct().Count() == 4, "A picture of each format is needed.");
        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Equal(pictures.Length + 1, run.Lines.Length);
        Assert.All(run.Lines, line => Assert.Equal("cat dog", JsonDocument.Parse(line).RootElement.GetProperty("text").GetString()));
    }

    [Fact]
    public async Task One_code_for_each_picture_is_taken_in_order()
    {
        var run = await EdgeProcess.Run(
            "solve", TestFiles.Picture("a.png"), TestFiles.Picture("b.png"), "--code", "l b", "--code", "P _ o", "--model", _package, "--json");
        Assert.Equal(["l b", "p _ o"], run.Lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task The_sheet_is_lit_where_the_model_looked_and_every_letter_of_the_answer_has_its_number()
    {
        var path = _files.File("out.png");
        var run = await EdgeProcess.Run("solve", TestFiles.Picture("b.png"), "--code", "l b p _ o c d", "--model", _package, "--attention", path);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Equal("cat dog", run.Lines[0]);
        var drawn = ImageCodec.Decode(File.ReadAllBytes(path));
        // Token 0 is the picture's first, two tokens into the prompt; 8 x 8 tokens of 70 pixels, the sheet's corner at (28, 28).
        var token = ScriptedPackage.LookedAt - 2;
        var (there, elsewhere) = (Pixel(drawn, 28 + (token % 8 * 70) + 35, 28 + (token / 8 * 70) + 35), Pixel(drawn, 28 + 540, 28 + 540));
        var sheet = ImageCodec.Decode(File.ReadAllBytes(TestFiles.Picture("b.png")));
        var original = Pixel(sheet, (token % 8 * 49) + 24, (token / 8 * 49) + 24);
        Assert.InRange(there.Red, original.Red - 30, original.Red + 30);
        Assert.True(elsewhere.Red < 90, $"The sheet is not dark where the model did not look: {elsewhere}.");
        // Two words of three letters, a row each: tiles of 140 x 93 with a number at the left upper corner.
        foreach (var (row, column) in Enumerable.Range(0, 6).Select(i => Math.DivRem(i, 3)))
        {
            var badge = Pixel(drawn, 616 + 4 + (column * 152) - 7, 160 + 2 + (row * (93 + 38 + 12)));
            Assert.True(badge is { Red: > 240, Green: > 180, Blue: < 120 }, $"Letter {row * 3 + column + 1} has no number: {badge}.");
        }
        Assert.Empty(Directory.EnumerateFiles(_files.Folder, "*.tmp"));
    }

    [Fact]
    public async Task An_attention_picture_that_cannot_be_written_is_an_error_and_the_reply_of_a_model_that_says_nonsense_too()
    {
        var unwritable = await EdgeProcess.Run(
            "solve", TestFiles.Picture("b.png"), "--code", "l", "--model", _package, "--attention", Path.Combine(_files.File("nowhere"), "out.png"));
        Assert.Equal((1, ""), (unwritable.ExitCode, unwritable.Output));
        Assert.NotEqual("", unwritable.Errors);

        var nonsense = ScriptedPackage.Write(_files.File("nonsense"), " l→ c\n<answer>x</answer>");
        var run = await EdgeProcess.Run("solve", TestFiles.Picture("b.png"), "--code", "l", "--model", nonsense);
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.Contains("reply cannot be read", run.Errors, StringComparison.Ordinal);
    }

    public void Dispose() => _files.Dispose();

    private static (byte Red, byte Green, byte Blue) Pixel(RgbImage image, int x, int y)
    {
        var pixel = image.Pixels.AsSpan(((y * image.Width) + x) * 3, 3);
        return (pixel[0], pixel[1], pixel[2]);
    }
}
