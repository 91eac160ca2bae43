using Vlm.Escalation.Work;
using Vlm.Hosting;

namespace Vlm.Escalation.Tests.Hosting;

public sealed class ConfigFileTests
{
    [Fact]
    public void The_shipped_configuration_is_the_defaults()
    {
        var options = ConfigFile.Load<EscalationOptions>(Path.Combine(Repository.Root, "deploy", "escalation.yaml"), "x");
        var model = new ModelOptions { Path = "models/cryptogram-escalation", Finder = "models/sheet-finder" };
        Assert.Equal(new EscalationOptions { Model = model }, options);
        Assert.Equal("cryptogram-escalation", options.Model.ServedName);
    }

    [Theory]
    [InlineData("model:\n  path: m\nqueue:\n  capasity: 3\n", "'x.yaml', line 4 ('capasity: 3'): there is no option 'capasity' here")]
    [InlineData("model:\n  path: m\n  path: n\n", "'x.yaml', line 3")]
    [InlineData("modell: {}\n", "line 1 ('modell: {}'): there is no option 'modell'")]
    [InlineData("model:\n  path: m\nqueue:\n  capacity: many\n", "'x.yaml', line 4")]
    [InlineData("model: [\n", "'x.yaml', line")]
    [InlineData("", "model: path: expected the folder of a model package, found nothing")]
    [InlineData("model:\n", "model: expected a value, found nothing")]
    [InlineData("model:\n  path: m\nqueue:\n  capacity: 0\n  batch: 65\n", "queue: capacity: expected 1 to 4096, found 0")]
    [InlineData("model:\n  path: m\nqueue:\n  capacity: 0\n  batch: 65\n", "queue: batch: expected 1 to 64, found 65")]
    [InlineData("model:\n  path: m\nlisten: https://here:1\n", "listen: expected an address")]
    [InlineData("model:\n  path: m\nlimits:\n  picture_pixels: 100000000\n", "limits: picture_pixels: expected 784 to 64000000, found 100000000")]
    public void What_is_wrong_is_named_with_its_place(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<ConfigException>(() => ConfigFile.Parse<EscalationOptions>(text, "x.yaml")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_missing_file_is_one_clear_error() =>
        Assert.Contains("does not exist. sample.yaml is one to start from",
            Assert.Throws<ConfigException>(() => ConfigFile.Load<EscalationOptions>("nowhere.yaml", "sample.yaml")).Message, StringComparison.Ordinal);
}
