using System.Globalization;

namespace Vlm.Edge.Watching;

/// <summary>A part of the machine that measures its heat.</summary>
/// <param name="Name">What it is, such as <c>x86_pkg_temp</c>.</param>
/// <param name="Celsius">How hot it is.</param>
/// <param name="Trip">The temperature from which the system itself slows it down; null when it names none.</param>
internal sealed record ThermalZone(string Name, double Celsius, double? Trip);

/// <summary>How hot the machine is, as Linux tells.</summary>
internal static class ThermalZones
{
    /// <summary>Where Linux tells it.</summary>
    public const string Folder = "/sys/class/thermal";

    // Above any part that still works: a sensor that is not there says so.
    private const double Hottest = 200;

    /// <summary>The zones that can be read; none on a machine without.</summary>
    /// <param name="folder">Laid out as <see cref="Folder"/>.</param>
    public static IReadOnlyList<ThermalZone> Read(string folder)
    {
        if (!Directory.Exists(folder)) return [];
        return [.. Directory.GetDirectories(folder, "thermal_zone*").Order(StringComparer.Ordinal).Select(ReadZone).OfType<ThermalZone>()];
    }

    private static ThermalZone? ReadZone(string zone) =>
        Degrees(Path.Combine(zone, "temp")) is { } celsius && celsius is > -50 and < Hottest
            ? new ThermalZone(Text(Path.Combine(zone, "type")) ?? Path.GetFileName(zone), celsius, Trip(zone))
            : null;

    /// <summary>The lowest point at which the system acts.</summary>
    private static double? Trip(string zone) => Directory.GetFiles(zone, "trip_point_*_type")
        .Where(file => Text(file) is "passive" or "hot")
        .Select(file => Degrees(file[..^"type".Length] + "temp"))
        .Where(celsius => celsius is > 0 and < Hottest)
        .Min();

    private static double? Degrees(string file) =>
        long.TryParse(Text(file), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var thousandths) ? thousandths / 1000.0 : null;

    private static string? Text(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

/// <summary>Whether the machine is spared. Pure.</summary>
internal static class ThermalRule
{
    /// <summary>The pace while it is.</summary>
    public const double SlowPace = 0.25;

    // So much cooler than where it began before it ends: else it would begin and end every minute.
    private const double Relief = 5;

    // Of zones that name no point of their own; below where processors slow down themselves.
    private const double Usual = 85;

    /// <summary>The zone because of which the machine is spared now; null for none.</summary>
    /// <param name="zones">How hot it is.</param>
    /// <param name="isSpared">Whether it is spared already.</param>
    /// <param name="limit">Celsius from which it is spared; null for where the system itself begins, 85 where it does not say.</param>
    public static ThermalZone? Hot(IEnumerable<ThermalZone> zones, bool isSpared, double? limit) => zones
        .Where(zone => zone.Celsius >= (limit ?? zone.Trip ?? Usual) - (isSpared ? Relief : 0))
        .MaxBy(zone => zone.Celsius);
}
