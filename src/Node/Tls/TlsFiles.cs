using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Conclave.Node.Options;

namespace Conclave.Node.Tls;

/// <summary>A file that a flag about TLS names cannot be used; the message says which, why, and what it should hold.</summary>
public sealed class TlsFileException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>The bytes of the files that one side's TLS is made of, as of one moment.</summary>
/// <remarks>The bytes and not the times of the files tell whether something changed: links that are turned to another file keep their times.</remarks>
internal sealed record TlsFiles(byte[]? Certificate, byte[]? Key, byte[]? DialCertificate, byte[]? DialKey, byte[]? Authorities, byte[]? Revocations)
{
    private const int FileBytesMax = 64 << 20;   // a list of revocations may have a million entries

    /// <exception cref="TlsFileException">A file cannot be read.</exception>
    public static TlsFiles Read(TlsOptions options) => new(
        Read(options.CertFile, options.Flag("cert-file")), Read(options.KeyFile, options.Flag("key-file")),
        Read(options.DialCertFile, options.Flag("client-cert-file")), Read(options.DialKeyFile, options.Flag("client-key-file")),
        Read(options.TrustedCaFile, options.Flag("trusted-ca-file")), Read(options.CrlFile, options.Prefix.Length > 0 ? "--peer-crl-file" : "--client-crl-file"));

    public bool SameAs(TlsFiles other) =>
        Same(Certificate, other.Certificate) && Same(Key, other.Key) && Same(DialCertificate, other.DialCertificate) && Same(DialKey, other.DialKey)
        && Same(Authorities, other.Authorities) && Same(Revocations, other.Revocations);

    private static bool Same(byte[]? a, byte[]? b) => a.AsSpan().SequenceEqual(b);

    private static byte[]? Read(string? path, string flag)
    {
        if (path is null) return null;
        try
        {
            var info = new FileInfo(path);
            if (info.Exists && info.Length > FileBytesMax) throw new TlsFileException($"{flag}: {path} has {info.Length} bytes; the limit is {FileBytesMax}.");
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new TlsFileException($"{flag}: {path} cannot be read: {e.Message} Correct the path, or the permissions of the file.", e);
        }
    }
}

/// <summary>Reads certificates and keys out of PEM.</summary>
internal static class Pem
{
    /// <summary>A certificate with its key, and those that the file has below it.</summary>
    /// <exception cref="TlsFileException">The texts hold something else, or the key is another certificate's.</exception>
    public static (X509Certificate2 Certificate, X509Certificate2Collection Further) Identity(byte[] certificate, byte[] key, string certPath, string keyPath)
    {
        X509Certificate2Collection all = Certificates(certificate, certPath);
        try
        {
            return (X509Certificate2.CreateFromPem(all[0].ExportCertificatePem(), Text(key)), [.. all.Skip(1)]);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new TlsFileException($"{keyPath} does not hold the private key of the first certificate in {certPath}: {e.Message} It has to be PEM, not encrypted, and of that certificate.", e);
        }
    }

    /// <exception cref="TlsFileException">There is none.</exception>
    public static X509Certificate2Collection Certificates(byte[] pem, string path)
    {
        var all = new X509Certificate2Collection();
        try
        {
            all.ImportFromPem(Text(pem));
        }
        catch (CryptographicException e)
        {
            throw new TlsFileException($"{path} holds a certificate that cannot be read: {e.Message}", e);
        }

        return all.Count > 0 ? all : throw new TlsFileException($"{path} holds no certificate; it has to begin with -----BEGIN CERTIFICATE-----.");
    }

    public static string Text(byte[] pem) => System.Text.Encoding.UTF8.GetString(pem);
}
