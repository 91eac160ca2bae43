using System.Security.Cryptography.X509Certificates;

namespace Vlm.Hosting;

/// <summary>Certificate authorities of one's own, in place of the system's.</summary>
public static class Authorities
{
    /// <summary>Trusts those of a file alone.</summary>
    /// <param name="file">Certificates in PEM.</param>
    /// <exception cref="InvalidDataException">It has none.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static X509ChainPolicy Of(string file)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(file);
        if (policy.CustomTrustStore.Count == 0) throw new InvalidDataException($"{file}: expected certificates in PEM, found none");
        return policy;
    }
}
