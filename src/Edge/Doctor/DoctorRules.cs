using Vlm.Engine;

namespace Vlm.Edge.Doctor;

/// <summary>A folder that the daemon writes to.</summary>
/// <param name="Path">As the configuration says it.</param>
/// <param name="Needs">Bytes that it may grow to.</param>
/// <param name="Free">Bytes that are free there.</param>
/// <param name="Problem">Why nothing can be written there; null when it can.</param>
internal sealed record FolderFacts(string Path, long Needs, long Free, string? Problem);

/// <summary>What is known of the time.</summary>
/// <param name="Now">This machine's.</param>
/// <param name="IsSynchronised">Whether the system says that its clock follows a time server; null when it says nothing.</param>
/// <param name="Server">What a configured endpoint says at the same moment; null when none was asked or none answered.</param>
internal sealed record ClockFacts(DateTimeOffset Now, bool? IsSynchronised, DateTimeOffset? Server);

/// <summary>A certificate that a connection depends on.</summary>
internal sealed record CertificateFacts(string Name, DateTimeOffset From, DateTimeOffset Until);

/// <summary>What makes a thing usable: from what was seen to what is said about it. Pure.</summary>
internal static class DoctorRules
{
    // The program itself, its pictures and its memory for requests; what a package needs beside its own size was measured as less than a third of it.
    private const long ProgramBytes = 200L << 20;
    private const double PackageFactor = 1.3;
    private const int FirstYear = 2026;
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Soon = TimeSpan.FromDays(30);

    /// <summary>An engine: whether this build has it and its library loads.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="isNeeded">Whether the configuration names it.</param>
    /// <param name="version">Of its library; null when the build does not have it.</param>
    /// <param name="problem">Why its library does not load; null when it does.</param>
    public static Diagnosis Engine(EngineKind kind, bool isNeeded, string? version, string? problem)
    {
        var name = kind.ToString().ToLowerInvariant();
        if (problem is not null) return Diagnosis.Unusable(Topic.Engine, name, isNeeded, problem, "Install what it names, or publish the program again.");
        return version is null
            ? Diagnosis.Unusable(Topic.Engine, name, isNeeded, "this build does not have it", $"Build with -p:Accelerator={name}, or set model: engine: ort.")
            : Diagnosis.Usable(Topic.Engine, name, version, isNeeded);
    }

    /// <summary>A provider: whether it could be had by name.</summary>
    public static Diagnosis Provider(ProviderKind kind, ProviderKind wanted, ProviderFacts facts)
    {
        var name = kind.ToString().ToLowerInvariant();
        var isNeeded = kind == wanted || (kind == ProviderKind.Cpu && wanted == ProviderKind.Auto);
        var toDo = kind == facts.Built ? $"To use it, {ProviderChoice.ToInstall(kind)}." : "Nothing, unless this machine has such a card.";
        var found = kind == ProviderKind.Cpu ? "always there" : "this build has it and its libraries can be loaded";
        return ProviderChoice.Decide(kind, facts) switch
        {
            ProviderDecision.Refuse(var message) => Diagnosis.Unusable(Topic.Provider, name, isNeeded, message, toDo),
            _ => Diagnosis.Usable(Topic.Provider, name, found, isNeeded),
        };
    }

    /// <summary>Memory: whether the package fits.</summary>
    /// <param name="available">Bytes that this process may still take.</param>
    /// <param name="package">Bytes of the package; 0 when it cannot be read.</param>
    public static Diagnosis Memory(long available, long package)
    {
        var needed = ProgramBytes + (long)(package * PackageFactor);
        var found = $"{Megabytes(available)} available, about {Megabytes(needed)} needed";
        return available >= needed
            ? Diagnosis.Usable(Topic.Memory, "", found)
            : Diagnosis.Unusable(Topic.Memory, "", isNeeded: true, found, "Give the process more memory, or take a smaller package or a lower precision.");
    }

    /// <summary>A folder: whether the daemon can write there, and for how long.</summary>
    public static Diagnosis Disk(FolderFacts folder)
    {
        if (folder.Problem is { } problem)
            return Diagnosis.Unusable(Topic.Disk, folder.Path, isNeeded: true, problem, "Name a folder that this user can write to, or give it the right to.");
        var found = $"{Megabytes(folder.Free)} free, up to {Megabytes(folder.Needs)} needed";
        return folder.Free >= folder.Needs
            ? Diagnosis.Usable(Topic.Disk, folder.Path, found)
            : Diagnosis.Unusable(Topic.Disk, folder.Path, isNeeded: true, found, "Make room, or lower history: answers and escalation: queue: max_bytes.");
    }

    /// <summary>The clock: certificates and budgets depend on it.</summary>
    /// <param name="facts">What is known.</param>
    /// <param name="isNeeded">Whether certificates are checked, so that a guess is not enough.</param>
    public static Diagnosis Clock(ClockFacts facts, bool isNeeded)
    {
        const string ToDo = "Let the system follow a time server: install and start chrony or systemd-timesyncd.";
        var now = $"{facts.Now.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC";
        if (facts.Now.Year < FirstYear) return Diagnosis.Unusable(Topic.Clock, "", isNeeded: true, $"{now} is before this program was written", ToDo);
        if (facts.Server is { } server)
        {
            var off = (facts.Now - server).Duration();
            return off <= ClockTolerance
                ? Diagnosis.Usable(Topic.Clock, "", $"{now}, as the larger model's endpoint says", isNeeded)
                : Diagnosis.Unusable(Topic.Clock, "", isNeeded, $"{now} is {off.TotalSeconds:F0} s away from what the larger model's endpoint says", ToDo);
        }
        return facts.IsSynchronised switch
        {
            true => Diagnosis.Usable(Topic.Clock, "", $"{now}, follows a time server", isNeeded),
            false => Diagnosis.Unusable(Topic.Clock, "", isNeeded, $"{now}, follows no time server", ToDo),
            null => Diagnosis.Usable(Topic.Clock, "", $"{now}; the system does not say whether it follows a time server", isNeeded),
        };
    }

    /// <summary>Certificates that connections depend on.</summary>
    public static Diagnosis Certificate(CertificateFacts certificate, DateTimeOffset now)
    {
        var until = $"valid until {certificate.Until.UtcDateTime:yyyy-MM-dd}";
        if (now < certificate.From)
        {
            return Diagnosis.Unusable(Topic.Certificates, certificate.Name, isNeeded: true,
                $"valid only from {certificate.From.UtcDateTime:yyyy-MM-dd} on", "Set the clock, or install a certificate that is valid now.");
        }
        if (now > certificate.Until)
            return Diagnosis.Unusable(Topic.Certificates, certificate.Name, isNeeded: true, $"{until}: expired", "Install a new certificate.");
        var usable = Diagnosis.Usable(Topic.Certificates, certificate.Name, until);
        return certificate.Until - now < Soon ? usable with { ToDo = "It expires soon: install a new certificate." } : usable;
    }

    /// <summary>The gate: modes that choose between answers need one.</summary>
    /// <param name="promise">What it promises; null without one.</param>
    /// <param name="problem">Why it cannot be used; null when it can, or when there is none.</param>
    /// <param name="obstacle">Why the configured mode does not work without it; null when it does.</param>
    public static Diagnosis Gate(string? promise, string? problem, string? obstacle)
    {
        const string ToDo = "Run 'calibrate --model <folder> --risk 0.01' to certify one, or set routing: mode: local-only.";
        if (problem is not null) return Diagnosis.Unusable(Topic.Gate, "", isNeeded: true, problem, ToDo);
        if (promise is not null) return Diagnosis.Usable(Topic.Gate, "", promise);
        return Diagnosis.Unusable(Topic.Gate, "", obstacle is not null, obstacle ?? "the package has none: answers are not certified", ToDo);
    }

    /// <summary>Bytes in words.</summary>
    public static string Megabytes(long bytes) => bytes < 10L << 30 ? $"{bytes / (1 << 20)} MiB" : $"{bytes / (1L << 30)} GiB";
}
