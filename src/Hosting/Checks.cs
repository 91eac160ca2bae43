namespace Vlm.Hosting;

/// <summary>Options that say themselves what is wrong with them.</summary>
public interface IChecked
{
    /// <summary>Whatever is wrong, one sentence each: the key, what was expected, what was found. Empty when all is well.</summary>
    IEnumerable<string> Problems();
}

/// <summary>What options are checked for.</summary>
public static class Check
{
    /// <summary>The problems of a section, with its name in front.</summary>
    public static IEnumerable<string> Section(string name, IEnumerable<string> problems) => problems.Select(problem => $"{name}: {problem}");

    /// <summary>Numbers that lie outside their range, both ends included.</summary>
    public static IEnumerable<string> Ranges(params IEnumerable<(string Name, double Value, double Least, double Most)> numbers) => numbers
        .Where(number => !(number.Value >= number.Least && number.Value <= number.Most))
        .Select(number => $"{number.Name}: expected {number.Least} to {number.Most}, found {number.Value}");

    /// <summary>Whether only programs on this machine can reach an address that is listened at.</summary>
    public static bool IsThisMachineAlone(string listen) => Uri.TryCreate(listen, UriKind.Absolute, out var uri) && uri.IsLoopback;

    /// <summary>An address to listen at: http, a host and a port, no path. TLS is the proxy's.</summary>
    public static IEnumerable<string> Listen(string address, string example)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttp || uri.PathAndQuery != "/")
            yield return $"listen: expected an address such as {example}, found '{address}'";
    }
}
