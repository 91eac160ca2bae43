using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Vlm.CommandLine;
using Vlm.Cryptogram;
using Vlm.Edge.Escalations;
using Vlm.Edge.Routing;
using Vlm.Engine;
using Vlm.Gating;
using Vlm.Package;
using Vlm.Solving;
using Vlm.Vision;

namespace Vlm.Edge.Doctor;

/// <summary>Looks at everything that the daemon of a configuration needs, and goes on whatever it finds. It changes nothing.</summary>
internal sealed class DoctorRun(EdgeConfig config, TimeProvider clock)
{
    // What History keeps of an answer and of a correction, measured generously.
    private const long AnswerBytes = 4096;
    private const long SpareBytes = 64L << 20;
    private const int WhiteSide = 224;

    /// <summary>Everything, in the order of the report.</summary>
    public async Task<IReadOnlyList<Diagnosis>> LookAsync(CancellationToken cancellation)
    {
        var endpoints = config.Escalation?.Endpoints ?? [];
        var tier = await Task.WhenAll(endpoints.Select(endpoint => TierProbe.AskAsync(endpoint, config.Escalation!, cancellation)));
        return
        [
            .. Enum.GetValues<EngineKind>().Select(LookAtEngine),
            .. Providers(),
            Diagnosis.Usable(Topic.Processor, "", Machine.Processor()),
            DoctorRules.Memory(Machine.AvailableMemory(), PackageBytes()),
            LookAtFonts(),
            .. CppLibrary(),
            .. endpoints.SelectMany(Certificates),
            .. Folders().Select(folder => DoctorRules.Disk(Machine.Folder(folder.Path, folder.Needs))),
            DoctorRules.Clock(
                new ClockFacts(clock.GetUtcNow(), Machine.IsClockSynchronised(), tier.Select(answer => answer.Time).FirstOrDefault(time => time is not null)),
                endpoints.Any(IsHttps)),
            LookAtModel(cancellation),
            LookAtGate(),
            .. tier.Select(answer => answer.Diagnosis),
            .. endpoints.Count > 0
                ? Array.Empty<Diagnosis>()
                : [Diagnosis.Unusable(Topic.Tier, "", isNeeded: false, "no larger model is configured", "Add the section 'escalation' to have one.")],
        ];
    }

    private static bool IsHttps(EndpointOptions endpoint) => endpoint.Url.StartsWith("https:", StringComparison.OrdinalIgnoreCase);

    private Diagnosis LookAtEngine(EngineKind kind)
    {
        var isNeeded = kind == config.Model.Engine;
        try
        {
            return DoctorRules.Engine(kind, isNeeded, Engines.Version(kind), problem: null);
        }
        catch (UserException e)
        {
            return DoctorRules.Engine(kind, isNeeded, version: null, e.Message);
        }
    }

    private IEnumerable<Diagnosis> Providers()
    {
        var facts = ProviderLibraries.Facts(config.Model.Engine);
        ProviderKind[] kinds = [ProviderKind.Cpu, ProviderKind.Cuda, ProviderKind.Directml];
        return kinds.Select(kind => DoctorRules.Provider(kind, config.Model.Provider, facts));
    }

    private long PackageBytes()
    {
        var folder = new DirectoryInfo(config.Model.Folder);
        return folder.Exists ? folder.EnumerateFiles().Sum(file => file.Length) : 0;
    }

    /// <summary>The daemon draws nothing.</summary>
    private static Diagnosis LookAtFonts()
    {
        try
        {
            return Diagnosis.Usable(Topic.Fonts, "", $"{Machine.FontFaces()}; calibrate and the trainer draw puzzles in them", isNeeded: false);
        }
        catch (UserException e)
        {
            return Diagnosis.Unusable(Topic.Fonts, "", isNeeded: false, e.Message, "Only calibrate without --data, and the trainer, need them.");
        }
    }

    private static IEnumerable<Diagnosis> CppLibrary()
    {
        if (!OperatingSystem.IsLinux()) yield break;
        yield return Machine.CppLibrary() is { } library
            ? Diagnosis.Usable(Topic.Libstdcxx, "", library.IsNew
                ? $"{library.Path}, of GCC 13 or later"
                : $"{library.Path}, older than GCC 13: enough here; the trainer needs GLIBCXX_3.4.32 (Debian 12: apt-get install -t trixie libstdc++6)")
            : Diagnosis.Unusable(Topic.Libstdcxx, "", isNeeded: true, "libstdc++.so.6 cannot be loaded", "Install it: apt-get install libstdc++6.");
    }

    private IEnumerable<Diagnosis> Certificates(EndpointOptions endpoint)
    {
        if (!IsHttps(endpoint)) yield break;
        foreach (var file in ((string?[])[endpoint.CaFile, endpoint.ClientCertificateFile]).OfType<string>())
        {
            foreach (var finding in Read(file)) yield return finding;
        }
        if (endpoint.CaFile is not null) yield break;
        using var store = new X509Store(StoreName.Root, StoreLocation.LocalMachine);
        store.Open(OpenFlags.ReadOnly);
        yield return store.Certificates.Count > 0
            ? Diagnosis.Usable(Topic.Certificates, endpoint.Name, $"{store.Certificates.Count} authorities that the system trusts")
            : Diagnosis.Unusable(Topic.Certificates, endpoint.Name, isNeeded: true, "the system trusts none", "Install ca-certificates or set ca_file.");
    }

    private IReadOnlyList<Diagnosis> Read(string file)
    {
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPemFile(file);
            return [.. certificates.Select(item => DoctorRules.Certificate(new CertificateFacts(file, item.NotBefore, item.NotAfter), clock.GetUtcNow()))];
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            return [Diagnosis.Unusable(Topic.Certificates, file, isNeeded: true, e.Message, "Put certificates in PEM there that this user can read.")];
        }
    }

    private IEnumerable<(string Path, long Needs)> Folders()
    {
        yield return (config.State, SpareBytes + config.History.Answers * AnswerBytes);
        if (config.Escalation is { } escalation) yield return (escalation.Queue.Folder, SpareBytes + escalation.Queue.MaxBytes);
    }

    /// <summary>Opens the package as the daemon does and asks it about a white picture.</summary>
    private Diagnosis LookAtModel(CancellationToken cancellation)
    {
        try
        {
            var started = Stopwatch.GetTimestamp();
            using var solver = Solver.Open(config.Model.Folder, config.Model.ToEngine(), config.Model.ToSearch());
            var white = new byte[WhiteSide * WhiteSide * 3];
            Array.Fill(white, byte.MaxValue);
            solver.Solve(new Question(new RgbImage(WhiteSide, WhiteSide, white), Code.Parse("a")), new SolveOptions { MaxTokens = 4 }, cancellation);
            return Diagnosis.Usable(Topic.Model, config.Model.Folder,
                $"{solver.Folder.Manifest.Precision}, opened and asked in {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s. {solver.Placement}");
        }
        catch (Exception e) when (Cli.AsUsersError(e) is not null)
        {
            const string ToDo = "Do what the message says; 'export check <folder>' says more about a package.";
            return Diagnosis.Unusable(Topic.Model, config.Model.Folder, isNeeded: true, e.Message, ToDo);
        }
    }

    private Diagnosis LookAtGate()
    {
        try
        {
            var gate = Gate.Find(ModelFolder.Open(config.Model.Folder));
            return DoctorRules.Gate(gate is null ? null : Promise(gate.Certificate), problem: null,
                config.Routing.Mode.FindObstacle(gate is not null, config.Escalation is not null));
        }
        catch (Exception e) when (Cli.AsUsersError(e) is not null)
        {
            return DoctorRules.Gate(promise: null, e.Message, obstacle: null);
        }
    }

    private static string Promise(Certificate certificate) =>
        $"at most {certificate.Risk:P1} of the accepted answers are wrong, at confidence {1 - certificate.Delta:P0}";
}
