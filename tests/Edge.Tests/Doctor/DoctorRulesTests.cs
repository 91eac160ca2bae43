using System.Net;
using Vlm.Edge.Doctor;
using Vlm.Edge.Escalations;
using Vlm.Engine;

namespace Vlm.Edge.Tests.Doctor;

/// <summary>From what was seen to what is said about it.</summary>
public sealed class DoctorRulesTests
{
    private static readonly DateTimeOffset Now = new(2027, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("ONNX Runtime 1.31.1", null, true)]
    [InlineData(null, null, false)]
    [InlineData(null, "libstdc++.so.6 is missing", false)]
    public void An_engine_can_be_used_where_the_build_has_it_and_its_library_loads(string? version, string? problem, bool isUsable)
    {
        var finding = DoctorRules.Engine(EngineKind.Genai, isNeeded: true, version, problem);

        Assert.Equal((isUsable, !isUsable), (finding.IsUsable, finding.IsFault));
        Assert.Equal(version ?? problem ?? "this build does not have it", finding.Found);
        Assert.Equal(isUsable, finding.ToDo is null);
    }

    [Theory]
    [InlineData(ProviderKind.Auto, false)]
    [InlineData(ProviderKind.Cpu, false)]
    [InlineData(ProviderKind.Cuda, true)]
    public void A_provider_that_cannot_be_had_is_a_fault_only_where_it_was_asked_for_by_name(ProviderKind wanted, bool isFault)
    {
        var facts = new ProviderFacts(EngineKind.Ort, ProviderKind.Cuda, [new MissingLibrary("the NVIDIA driver", "libcuda.so.1")]);

        var cuda = DoctorRules.Provider(ProviderKind.Cuda, wanted, facts);

        Assert.Equal((false, isFault), (cuda.IsUsable, cuda.IsFault));
        Assert.Contains("libcuda.so.1", cuda.Found, StringComparison.Ordinal);
        Assert.Contains("install an NVIDIA driver", cuda.ToDo, StringComparison.Ordinal);
        Assert.True(DoctorRules.Provider(ProviderKind.Cpu, wanted, facts).IsUsable);
    }

    [Theory]
    [InlineData(400L << 20, 100L << 20, true)]
    [InlineData(300L << 20, 100L << 20, false)]
    public void A_package_needs_its_size_and_a_third_and_the_program(long available, long package, bool isUsable) =>
        Assert.Equal(isUsable, DoctorRules.Memory(available, package).IsUsable);

    [Theory]
    [InlineData(100, 50, null, true)]
    [InlineData(40, 50, null, false)]
    [InlineData(100, 50, "no right", false)]
    public void A_folder_must_take_what_it_may_grow_to(long free, long needs, string? problem, bool isUsable) =>
        Assert.Equal(isUsable, DoctorRules.Disk(new FolderFacts("state", needs, free, problem)).IsUsable);

    [Theory]
    [InlineData(2027, true, null, true, false)]
    [InlineData(2027, null, null, true, false)]
    [InlineData(2027, false, null, false, true)]
    [InlineData(2027, false, 30, true, false)]
    [InlineData(2027, true, 90, false, true)]
    [InlineData(1970, true, null, false, true)]
    public void A_clock_is_right_if_a_server_agrees_or_the_system_says_so(int year, bool? isSynchronised, int? offSeconds, bool isUsable, bool isFault)
    {
        var now = Now.AddYears(year - Now.Year);

        var finding = DoctorRules.Clock(new ClockFacts(now, isSynchronised, offSeconds is { } off ? now.AddSeconds(off) : null), isNeeded: true);

        Assert.Equal((isUsable, isFault), (finding.IsUsable, finding.IsFault));
    }

    [Theory]
    [InlineData(-10, 100, true, false)]
    [InlineData(-10, 20, true, true)]
    [InlineData(-10, -1, false, true)]
    [InlineData(1, 100, false, true)]
    public void A_certificate_is_good_between_its_days_and_said_to_expire_before_it_does(int from, int until, bool isUsable, bool hasToDo)
    {
        var finding = DoctorRules.Certificate(new CertificateFacts("ca.pem", Now.AddDays(from), Now.AddDays(until)), Now);

        Assert.Equal((isUsable, hasToDo), (finding.IsUsable, finding.ToDo is not null));
    }

    [Fact]
    public void A_gate_is_needed_where_the_mode_chooses_between_answers()
    {
        Assert.True(DoctorRules.Gate("at most 1 %", null, null).IsUsable);
        Assert.False(DoctorRules.Gate(null, null, obstacle: null).IsFault);
        Assert.True(DoctorRules.Gate(null, null, "the mode needs a gate").IsFault);
        Assert.True(DoctorRules.Gate(null, "belongs to another package", null).IsFault);
    }

    [Theory]
    [InlineData(HttpStatusCode.OK, "{\"data\":[{\"id\":\"larger\"}]}", true, "serves 'larger'")]
    [InlineData(HttpStatusCode.OK, "{\"data\":[{\"id\":\"other\"}]}", false, "does not serve 'larger' but 'other'")]
    [InlineData(HttpStatusCode.OK, "<html>", false, "not with a list of models")]
    [InlineData(HttpStatusCode.Unauthorized, "", false, "does not know the key (401)")]
    [InlineData(HttpStatusCode.NotFound, "", true, "was not checked")]
    [InlineData(HttpStatusCode.BadGateway, "", false, "answered 502")]
    public void An_endpoint_can_be_used_if_it_knows_the_key_and_serves_the_model(HttpStatusCode status, string body, bool isUsable, string found)
    {
        var finding = TierProbe.Judge(new EndpointOptions { Url = "http://larger/v1", Model = "larger" }, status, body);

        Assert.Equal(isUsable, finding.IsUsable);
        Assert.Contains(found, finding.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void The_report_says_what_is_usable_what_is_not_and_what_to_do_and_the_last_line_what_it_comes_to()
    {
        Diagnosis[] findings =
        [
            Diagnosis.Usable(Topic.Engine, "ort", "ONNX Runtime 1.31.1"),
            Diagnosis.Unusable(Topic.Engine, "genai", isNeeded: false, "this build does not have it", "Build with it."),
            Diagnosis.Unusable(Topic.Clock, "", isNeeded: true, "1970", "Set it."),
        ];

        var lines = DoctorReport.Text(findings).Split('\n').Select(line => line.TrimEnd()).ToArray();

        Assert.Equal("ok      engine ort    ONNX Runtime 1.31.1", lines[0]);
        Assert.Equal("-       engine genai  this build does not have it", lines[1]);
        Assert.Equal("FAILED  clock         1970", lines[2]);
        Assert.Equal("Set it.", lines[3].Trim());
        Assert.Equal("1 thing that the configuration needs cannot be used.", lines[^1]);
        const string Start = """{"usable":false,"findings":[{"topic":"engine","item":"ort","usable":true,"needed":true,""";
        Assert.StartsWith(Start, DoctorReport.Json(findings), StringComparison.Ordinal);
    }
}
