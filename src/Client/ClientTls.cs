using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Conclave.Client;

/// <summary>Makes <see cref="Rpc.RpcChannelOptions.Tls"/> from PEM files, as etcd's clients take them.</summary>
public static class ClientTls
{
    /// <param name="authorities">Certificates that servers' have to lead to; null means the system's.</param>
    /// <param name="certificate">Own certificate, with those between it and its authority below it; null shows none.</param>
    /// <param name="key">Its private key; null when it is in the same file.</param>
    /// <param name="skipVerification">Take every server for the right one: for tests, because anybody in between can then read and change everything.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be read.</exception>
    /// <exception cref="CryptographicException">A file holds something else; the message says which.</exception>
    public static SslClientAuthenticationOptions FromFiles(string? authorities = null, string? certificate = null, string? key = null, bool skipVerification = false)
    {
        SslClientAuthenticationOptions tls = new() { CertificateRevocationCheckMode = X509RevocationMode.NoCheck };
        if (certificate is not null)
        {
            X509Certificate2Collection all = Read(certificate);
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(Pair(certificate, key ?? certificate), [.. all.Skip(1)], offline: true);
        }

        if (authorities is not null)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(Read(authorities));
        }

        if (skipVerification) tls.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        return tls;
    }

    private static X509Certificate2Collection Read(string path)
    {
        X509Certificate2Collection all = [];
        try
        {
            all.ImportFromPemFile(path);
        }
        catch (CryptographicException e)
        {
            throw new CryptographicException($"{path} holds a certificate that cannot be read: {e.Message}", e);
        }

        return all.Count > 0 ? all : throw new CryptographicException($"{path} holds no certificate; it has to be PEM.");
    }

    private static X509Certificate2 Pair(string certificate, string key)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(certificate, key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new CryptographicException($"{key} does not hold the private key of the first certificate in {certificate}: {e.Message}", e);
        }
    }
}
