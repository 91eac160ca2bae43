using Vlm.Edge.Watching;

namespace Vlm.Edge.Tests.Watching;

/// <summary>A machine that is too hot is spared until it is clearly cooler.</summary>
public sealed class ThermalTests : IDisposable
{
    private readonly TestFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Zones_are_read_as_Linux_tells_them_and_what_cannot_be_read_is_left_out()
    {
        Zone("thermal_zone0", "cpu", "71500", ("passive", "80000"), ("critical", "100000"));
        Zone("thermal_zone1", "gpu", "-274000");
        Zone("thermal_zone2", "board", "no number");
        Zone("thermal_zone3", "nvme", "40000");
        Directory.CreateDirectory(_files.File("cooling_device0"));

        Assert.Equal([new ThermalZone("cpu", 71.5, 80), new ThermalZone("nvme", 40, null)], ThermalZones.Read(_files.Folder));
        Assert.Empty(ThermalZones.Read(_files.File("nowhere")));
    }

    [Theory]
    [InlineData(79, 80.0, false, null, false)]
    [InlineData(80, 80.0, false, null, true)]
    [InlineData(76, 80.0, true, null, true)]
    [InlineData(74, 80.0, true, null, false)]
    [InlineData(84, null, false, null, false)]
    [InlineData(86, null, false, null, true)]
    [InlineData(66, 80.0, false, 65.0, true)]
    public void The_limit_is_the_configured_one_else_the_zones_own_else_85_and_it_ends_5_below(
        double celsius, double? trip, bool isSpared, double? limit, bool isHot) =>
        Assert.Equal(isHot, ThermalRule.Hot([new ThermalZone("cpu", celsius, trip), new ThermalZone("cool", 20, trip)], isSpared, limit) is not null);

    private void Zone(string name, string type, string temp, params (string Type, string Temp)[] trips)
    {
        var folder = Directory.CreateDirectory(_files.File(name)).FullName;
        File.WriteAllText(Path.Combine(folder, "type"), type + "\n");
        File.WriteAllText(Path.Combine(folder, "temp"), temp + "\n");
        foreach (var (trip, i) in trips.Select((trip, i) => (trip, i)))
        {
            File.WriteAllText(Path.Combine(folder, $"trip_point_{i}_type"), trip.Type + "\n");
            File.WriteAllText(Path.Combine(folder, $"trip_point_{i}_temp"), trip.Temp + "\n");
        }
    }
}
