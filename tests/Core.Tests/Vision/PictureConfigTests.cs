using Vlm.Model;
using Vlm.Vision;

namespace Vlm.Core.Tests.Vision;

public sealed class PictureConfigTests
{
    [Fact]
    public void Both_spellings_mean_the_same()
    {
        using var folder = new TempFolder();
        PictureConfig newer = PictureConfig.Load(Golden.Path("qwen25vl/checkpoint/preprocessor_config.json"));
        PictureConfig older = PictureConfig.Load(Golden.Path("qwen25vl/checkpoint/preprocessor_config.public-layout.json"));
        newer.Save(folder.File("newer.json"));
        older.Save(folder.File("older.json"));

        Assert.Equal((3136, 200704), (newer.MinPixels, newer.MaxPixels));
        Assert.Equal(File.ReadAllText(folder.File("newer.json")), File.ReadAllText(folder.File("older.json")));
    }

    [Fact]
    public void What_is_saved_is_read_back()
    {
        using var folder = new TempFolder();
        var config = new PictureConfig { MinPixels = 50176, MaxPixels = 78400, Mean = [0.9f, 0.8f, 0.7f], Std = [0.1f, 0.2f, 0.3f] };

        config.Save(folder.File("preprocessor_config.json"));
        PictureConfig read = PictureConfig.Load(folder.File("preprocessor_config.json"));

        Assert.Equal(config.Mean, read.Mean);
        Assert.Equal(config.Std, read.Std);
        Assert.Equal(config with { Mean = read.Mean, Std = read.Std }, read);
    }

    [Fact]
    public void Everything_wrong_is_named_in_one_error()
    {
        using var folder = new TempFolder();
        string path = folder.Write("p.json", """
            {"patch_size": 14, "temporal_patch_size": "two", "merge_size": 2, "min_pixels": 1,
             "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, null], "do_rescale": false, "resample": 2}
            """);

        string message = Assert.Throws<CheckpointException>(() => PictureConfig.Load(path)).Message;

        foreach (string part in (string[])[
            path, "'temporal_patch_size' must be a whole number; it is \"two\"", "'max_pixels' is missing", "'image_std' must be", "'do_rescale' is false",
            "'resample' is 2"])
        {
            Assert.Contains(part, message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("\"min_pixels\": 5, \"max_pixels\": 4", "least number of pixels 5")]
    [InlineData("\"min_pixels\": 5, \"max_pixels\": 40, \"image_std\": [0, 1, 1]", "image_std must be above 0")]
    [InlineData("\"min_pixels\": 5, \"max_pixels\": 40, \"patch_size\": 0", "patch_size 0")]
    public void Values_out_of_range_are_refused(string fields, string expected)
    {
        using var folder = new TempFolder();
        string defaults = string.Concat(
            ((string[])["\"patch_size\": 14", "\"temporal_patch_size\": 2", "\"merge_size\": 2", "\"image_mean\": [0, 0, 0]", "\"image_std\": [1, 1, 1]"])
            .Where(field => !fields.Contains(field.Split(':')[0], StringComparison.Ordinal)).Select(field => $", {field}"));

        string message = Assert.Throws<CheckpointException>(() => PictureConfig.Load(folder.Write("p.json", $"{{{fields}{defaults}}}"))).Message;

        Assert.Contains(expected, message, StringComparison.Ordinal);
    }
}
