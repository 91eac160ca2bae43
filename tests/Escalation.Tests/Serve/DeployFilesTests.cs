using Vlm.Hosting;
using YamlDotNet.RepresentationModel;

namespace Vlm.Escalation.Tests.Serve;

/// <summary>The files of <c>deploy/</c>: that they parse, and that they agree with the program. Whether a cluster takes them, no test here can say.</summary>
public sealed class DeployFilesTests
{
    private static readonly string Deploy = Path.Combine(Repository.Root, "deploy");

    [Fact]
    public void Every_yaml_file_parses_and_has_no_key_twice()
    {
        var files = Directory.GetFiles(Deploy, "*.yaml", SearchOption.AllDirectories);
        Assert.True(files.Length >= 5, $"Only {files.Length} files were found.");
        Assert.All(files, file => Assert.NotEmpty(Parse(file).Documents));
    }

    [Theory]
    [InlineData("escalation.yaml")]
    [InlineData("compose/escalation.yaml")]
    public void The_configurations_are_ones_that_the_program_takes(string file) =>
        Assert.NotEmpty(ConfigFile.Load<EscalationOptions>(Path.Combine(Deploy, file), "x").Model.ServedName);

    [Fact]
    public void The_sample_says_everything_that_can_be_said_with_the_programs_defaults()
    {
        var file = Path.Combine(Deploy, "escalation.yaml");
        Assert.Empty(Edge.Tests.SampleConfig.Missing(File.ReadAllText(file), typeof(EscalationOptions)));
        var defaults = new EscalationOptions();
        Assert.Equal(["model.finder", "model.path"], ConfigChanges.Between(defaults, ConfigFile.Load<EscalationOptions>(file, "x")));
    }

    [Fact]
    public void What_compose_mounts_is_there_or_named_among_what_must_be_made_first()
    {
        var compose = File.ReadAllText(Path.Combine(Deploy, "compose.yaml"));
        foreach (var service in Services())
        {
            if (!service.Children.TryGetValue("volumes", out var volumes)) continue;
            foreach (var source in ((YamlSequenceNode)volumes).Select(volume => volume.ToString().Split(':')[0]).Where(source => source.StartsWith('.')))
            {
                var path = Path.GetFullPath(Path.Combine(Deploy, source));
                Assert.True(Path.Exists(path) || compose.Contains($"deploy/{source[2..]} (", StringComparison.Ordinal), source);
            }
        }
    }

    [Fact]
    public void Nothing_that_compose_starts_is_reachable_from_outside_but_the_edge_on_this_machine()
    {
        foreach (var service in Services())
        {
            if (service.Children.TryGetValue("ports", out var ports))
            {
                Assert.All((YamlSequenceNode)ports, port =>
                Assert.StartsWith("127.0.0.1:", port.ToString(), StringComparison.Ordinal));
            }
        }
    }

    [Theory]
    [InlineData("Dockerfile.edge")]
    [InlineData("Dockerfile.escalation")]
    [InlineData("systemd/vlm-edge.service")]
    [InlineData("systemd/vlm-escalation.service")]
    public void Telemetry_is_switched_off_wherever_the_engine_starts(string file) =>
        Assert.Contains("ORT_DISABLE_TELEMETRY=1", File.ReadAllText(Path.Combine(Deploy, file)), StringComparison.Ordinal);

    private static IEnumerable<YamlMappingNode> Services()
    {
        var root = (YamlMappingNode)Parse(Path.Combine(Deploy, "compose.yaml")).Documents[0].RootNode;
        return ((YamlMappingNode)root["services"]).Children.Values.Cast<YamlMappingNode>();
    }

    private static YamlStream Parse(string file)
    {
        using var reader = new StreamReader(file);
        var stream = new YamlStream();
        stream.Load(reader);
        return stream;
    }
}
