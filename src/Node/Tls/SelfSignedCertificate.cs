using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Conclave.Storage;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Tls;

/// <summary>Certificates of the node's own making, where etcd keeps them: cert.pem and key.pem under fixtures/client or fixtures/peer in the data directory.</summary>
internal static class SelfSignedCertificate
{
    private const UnixFileMode OnlyOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Takes what is there, and makes a new one when there is none or it has expired.</summary>
    /// <returns>Paths of certificate and key.</returns>
    /// <exception cref="TlsFileException">The directory cannot be written.</exception>
    public static (string Certificate, string Key) Ensure(string directory, IEnumerable<string> hosts, int years, DateTimeOffset now, ILogger logger)
    {
        (string certificate, string key) = (Path.Combine(directory, "cert.pem"), Path.Combine(directory, "key.pem"));
        try
        {
            if (IsUsable(certificate, key, now)) return (certificate, key);
            new PosixFileSystem().CreateDirectory(directory);   // the data directory, too, when this is the first to need it: nobody else may look into it
            (string certificatePem, string keyPem) = Make([.. hosts], years, now);
            // The key first: a certificate without its key would be taken for a pair after a crash in between; a key alone is replaced.
            Write(key, keyPem);
            Write(certificate, certificatePem);
            Log.SelfSignedMade(logger, certificate, now.AddDays(365 * years).UtcDateTime);
            return (certificate, key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TlsFileException($"no certificate can be made in {directory}: {e.Message} Make the directory writable, or give certificates by flags.", e);
        }
    }

    private static bool IsUsable(string certificate, string key, DateTimeOffset now)
    {
        if (!File.Exists(certificate) || !File.Exists(key)) return false;
        try
        {
            using var pair = X509Certificate2.CreateFromPemFile(certificate, key);
            return pair.NotAfter.ToUniversalTime() > now.UtcDateTime;
        }
        catch (CryptographicException)
        {
            return false;   // half of a pair, or damaged: what nobody vouches for can be made anew
        }
    }

    private static (string Certificate, string Key) Make(string[] hosts, int years, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("O=conclave", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        foreach (string host in hosts.Distinct(StringComparer.Ordinal))
        {
            if (IPAddress.TryParse(host, out IPAddress? address)) names.AddIpAddress(address);
            else names.AddDnsName(host);
        }

        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddMinutes(-5), now.AddDays(365 * years));   // clocks differ
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private static void Write(string path, string text)
    {
        string partial = path + ".partial";
        File.Delete(partial);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OnlyOwner;
        using (var writer = new StreamWriter(partial, options)) writer.Write(text + "\n");
        File.Move(partial, path, overwrite: true);
    }
}
