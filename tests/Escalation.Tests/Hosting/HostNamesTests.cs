using Microsoft.AspNetCore.Http;
using Vlm.Hosting.Http;

namespace Vlm.Escalation.Tests.Hosting;

/// <summary>Which names a service answers to, and whose pages may ask.</summary>
public sealed class HostNamesTests
{
    [Theory]
    [InlineData("127.0.0.1:8088", true)]
    [InlineData("[::1]:8088", true)]
    [InlineData("192.168.1.7", true)]
    [InlineData("localhost:8088", true)]
    [InlineData("escalation:8000", true)]
    [InlineData("BOX.example.org", true)]
    [InlineData("box.example.org.", true)]
    [InlineData("listened.example.org", true)]
    [InlineData("", true)]
    [InlineData("evil.example", false)]
    [InlineData("evil.example:8088", false)]
    [InlineData("127.0.0.1.evil.example", false)]
    public void A_name_with_a_dot_must_be_one_of_its_own(string host, bool isOurs) =>
        Assert.Equal(isOurs ? null : ErrorReason.ForeignHost, Refusal(host, null, null));

    [Theory]
    [InlineData("http://127.0.0.1:8088", null, null)]
    [InlineData("http://box.example.org", null, null)]
    [InlineData("https://127.0.0.1:8088", null, null)]
    [InlineData("http://127.0.0.1:9999", null, ErrorReason.ForeignOrigin)]
    [InlineData("http://evil.example", null, ErrorReason.ForeignOrigin)]
    [InlineData("null", null, ErrorReason.ForeignOrigin)]
    [InlineData("nonsense", null, ErrorReason.ForeignOrigin)]
    [InlineData(null, "cross-site", ErrorReason.ForeignOrigin)]
    [InlineData(null, "same-origin", null)]
    [InlineData(null, "none", null)]
    public void A_page_of_another_site_may_not_ask(string? origin, string? site, ErrorReason? refusal) =>
        Assert.Equal(refusal, Refusal("127.0.0.1:8088", origin, site));

    private static ErrorReason? Refusal(string host, string? origin, string? site)
    {
        var request = new DefaultHttpContext().Request;
        request.Host = new HostString(host);
        if (origin is not null) request.Headers.Origin = origin;
        if (site is not null) request.Headers["Sec-Fetch-Site"] = site;
        try
        {
            new HostNames("http://listened.example.org:80", ["box.example.org"]).Check(request);
            return null;
        }
        catch (ApiException e)
        {
            return e.Reason;
        }
    }
}
