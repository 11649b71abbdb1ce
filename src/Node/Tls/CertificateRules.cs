using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Conclave.Node.Options;

namespace Conclave.Node.Tls;

/// <summary>Says what is wrong with the certificate of the other side. Pure.</summary>
/// <param name="options">Which names are allowed, and what the flags are called.</param>
/// <param name="roots">Authorities; null means the system's.</param>
/// <param name="revoked">Certificates that were taken back.</param>
internal sealed class CertificateRules(TlsOptions options, X509Certificate2Collection? roots, RevokedCertificates revoked)
{
    private static readonly Oid ServerUse = new("1.3.6.1.5.5.7.3.1"), ClientUse = new("1.3.6.1.5.5.7.3.2");

    /// <summary>How a chain is built: without the network, and only to the authorities of the flags.</summary>
    public X509ChainPolicy ChainPolicy(bool ofServers)
    {
        var policy = new X509ChainPolicy
        {
            RevocationMode = X509RevocationMode.NoCheck,   // lists come from a file; see Problem
            DisableCertificateDownloads = true,
        };
        policy.ApplicationPolicy.Add(ofServers ? ServerUse : ClientUse);
        if (roots is null) return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(roots);
        return policy;
    }

    /// <summary>Empty when it is in order; else the end of a sentence that begins with "it" or with a name.</summary>
    /// <param name="certificate">Of the other side.</param>
    /// <param name="chain">Built by <see cref="ChainPolicy"/>.</param>
    /// <param name="errors">What the platform found.</param>
    public string Problem(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable)) return "it showed no certificate";
        string its = $"its certificate ({certificate.Subject})";
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors)) return $"{its} {Chained(certificate, chain)}";
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)) return $"{its} is made out to other hosts than the one that was dialled";
        foreach (X509ChainElement element in chain?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
        {
            if (revoked.Contains(element.Certificate)) return $"{its} was revoked";
        }

        if (revoked.Contains(certificate)) return $"{its} was revoked";
        if (options.AllowedNames.Count > 0 && !(CommonName.Of(certificate) is { } name && options.AllowedNames.Contains(name)))
            return $"{its} has a common name that {options.Flag(options.Prefix.Length > 0 ? "cert-allowed-cn" : "client-cert-allowed-cn")} does not allow";
        if (options.AllowedHostnames.Count > 0 && !options.AllowedHostnames.Any(host => certificate.MatchesHostname(host, allowWildcards: true, allowCommonName: false)))
            return $"{its} is made out to no host that {options.Flag(options.Prefix.Length > 0 ? "cert-allowed-hostname" : "client-cert-allowed-hostname")} allows";
        return "";
    }

    private string Chained(X509Certificate2 certificate, X509Chain? chain)
    {
        X509ChainStatusFlags all = X509ChainStatusFlags.NoError;
        foreach (X509ChainStatus status in chain?.ChainStatus ?? []) all |= status.Status;
        if (all.HasFlag(X509ChainStatusFlags.NotTimeValid)) return $"is good from {certificate.NotBefore.ToUniversalTime():u} to {certificate.NotAfter.ToUniversalTime():u}, and not now (or one above it is not)";
        if ((all & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0)
            return $"does not lead to an authority in {(roots is null ? "the system's store" : options.Flag("trusted-ca-file"))}";
        if (all.HasFlag(X509ChainStatusFlags.NotValidForUsage)) return "is not for this use (extended key usage)";
        return $"is not in order: {all}";
    }
}
