using System.Security.Cryptography.X509Certificates;
using Vlm.Edge.Escalations;

namespace Vlm.Edge.Tests.Escalations;

public sealed class ConnectionTests
{
    [Fact]
    public async Task Nobody_at_the_port_is_offline_after_two_attempts()
    {
        using var silent = ScriptedEndpoint.SilentPort(out var port);
        using var bench = new Bench(Bench.For($"http://127.0.0.1:{port}/v1"));

        var failed = await bench.Fails();

        Assert.Equal((EscalationFailure.Offline, 2), (failed.Reason, failed.Attempts));
    }

    [Fact]
    public async Task A_name_that_nobody_knows_is_offline()
    {
        using var bench = new Bench(Bench.For("http://no-such-host.invalid/v1") with { ConnectTimeoutSeconds = 1 });

        var failed = await bench.Fails();

        Assert.Equal(EscalationFailure.Offline, failed.Reason);
        Assert.InRange(failed.Attempts, 1, 2);
    }

    [Fact]
    public async Task A_certificate_of_ones_own_authority_is_trusted_only_when_the_authority_is_configured()
    {
        using var files = new TestFiles();
        using var authority = Certificates.Authority(files, "ca.pem");
        using var server = Certificates.Issued(authority, "localhost");
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right, 0, server, false);

        using var distrusting = new Bench(Bench.For(endpoint.Url));
        using var trusting = new Bench(new EscalationOptions { Endpoints = [new EndpointOptions { Url = endpoint.Url, CaFile = files.File("ca.pem") }] });

        var failed = await distrusting.Fails();
        Assert.Equal((EscalationFailure.Offline, 1), (failed.Reason, failed.Attempts));
        Assert.Empty(endpoint.Requests);
        await trusting.Answers();
    }

    [Fact]
    public async Task Another_authoritys_certificate_is_not_trusted()
    {
        using var files = new TestFiles();
        using var authority = Certificates.Authority(files, "ca.pem");
        using var other = Certificates.Authority(files, "other.pem");
        using var server = Certificates.Issued(authority, "localhost");
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right, 0, server, false);
        using var bench = new Bench(new EscalationOptions { Endpoints = [new EndpointOptions { Url = endpoint.Url, CaFile = files.File("other.pem") }] });

        Assert.Equal(EscalationFailure.Offline, (await bench.Fails()).Reason);
    }

    [Fact]
    public async Task A_server_that_wants_a_certificate_gets_the_configured_one()
    {
        using var files = new TestFiles();
        using var authority = Certificates.Authority(files, "ca.pem");
        using var server = Certificates.Issued(authority, "localhost");
        using var box = Certificates.Issued(authority, "box");
        await File.WriteAllTextAsync(files.File("box.pem"), box.ExportCertificatePem() + "\n" + box.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem(),
            TestContext.Current.CancellationToken);
        await using var endpoint = await ScriptedEndpoint.Start(ScriptedEndpoint.Right, 0, server, true);
        var options = new EndpointOptions { Url = endpoint.Url, CaFile = files.File("ca.pem") };
        using var without = new Bench(new EscalationOptions { Endpoints = [options] });
        using var with = new Bench(new EscalationOptions { Endpoints = [options with { ClientCertificateFile = files.File("box.pem") }] });

        Assert.IsType<EscalationResult.Failed>(await without.Ask());
        await with.Answers();
    }
}
