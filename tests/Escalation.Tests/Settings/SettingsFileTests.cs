using Vlm.Escalation.Settings;

namespace Vlm.Escalation.Tests.Settings;

public sealed class SettingsFileTests
{
    [Fact]
    public void The_shipped_configuration_is_the_defaults()
    {
        var options = SettingsFile.Load(Path.Combine(Repository.Root, "deploy", "escalation.yaml"));
        Assert.Equal(new EscalationOptions { Model = new ModelOptions { Path = "models/cryptogram-escalation" } }, options);
        Assert.Equal("cryptogram-escalation", options.Model.ServedName);
    }

    [Theory]
    [InlineData("model:\n  path: m\nqueue:\n  capasity: 3\n", "x.yaml:4: unknown key 'capasity'")]
    [InlineData("model:\n  path: m\n  path: n\n", "x.yaml:3:")]
    [InlineData("modell: {}\n", "x.yaml:1: unknown key 'modell'")]
    [InlineData("model:\n  path: m\nqueue:\n  capacity: many\n", "x.yaml:4:")]
    [InlineData("model: [\n", "x.yaml:")]
    [InlineData("", "model.path: is missing")]
    [InlineData("model:\n", "model:")]
    [InlineData("model:\n  path: m\nqueue:\n  capacity: 0\n  batch: 65\n", "queue.capacity:")]
    [InlineData("model:\n  path: m\nqueue:\n  capacity: 0\n  batch: 65\n", "queue.batch:")]
    [InlineData("model:\n  path: m\nlisten: https://here:1\n", "listen: expected an address")]
    [InlineData("model:\n  path: m\nlimits:\n  picture_pixels: 100000000\n", "limits.picture_pixels: The field")]
    public void What_is_wrong_is_named_with_its_place(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<SettingsException>(() => SettingsFile.Parse(text, "x.yaml")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_missing_file_is_one_clear_error() =>
        Assert.Contains("does not exist", Assert.Throws<SettingsException>(() => SettingsFile.Load("nowhere.yaml")).Message, StringComparison.Ordinal);
}
