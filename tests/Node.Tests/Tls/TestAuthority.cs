using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Conclave.Node.Tests.Tls;

/// <summary>An authority that issues certificates into PEM files of one directory.</summary>
internal sealed class TestAuthority : IDisposable
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly string _directory;
    private readonly string _name;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public TestAuthority(string directory, string name = "authority")
    {
        (_directory, _name) = (directory, name);
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        Certificate = request.CreateSelfSigned(Now.AddDays(-1000), Now.AddDays(1000));
        CertFile = Write($"{name}.pem", Certificate.ExportCertificatePem());
    }

    public X509Certificate2 Certificate { get; }

    public string CertFile { get; }

    public void Dispose()
    {
        Certificate.Dispose();
        _key.Dispose();
    }

    /// <summary>For servers and clients alike, made out to loopback unless other hosts are named.</summary>
    public Issued Issue(string commonName, string[]? hosts = null, int goodForDays = 100, string? file = null, bool forClientsOnly = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={commonName}, O=test", key, HashAlgorithmName.SHA256);
        OidCollection uses = [new Oid("1.3.6.1.5.5.7.3.2")];
        if (!forClientsOnly) uses.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(uses, critical: false));
        var names = new SubjectAlternativeNameBuilder();
        foreach (string host in hosts ?? ["127.0.0.1", "localhost"])
        {
            if (IPAddress.TryParse(host, out IPAddress? address)) names.AddIpAddress(address);
            else names.AddDnsName(host);
        }

        request.CertificateExtensions.Add(names.Build());
        byte[] serial = RandomNumberGenerator.GetBytes(12);
        serial[0] = (byte)(serial[0] & 0x7F | 0x01);
        using X509Certificate2 certificate = request.Create(Certificate, Now.AddDays(Math.Min(-1, goodForDays - 10)), Now.AddDays(goodForDays), serial);
        string name = file ?? $"{_name}-{commonName}";
        return new Issued(Write(name + ".crt", certificate.ExportCertificatePem()), Write(name + ".key", key.ExportPkcs8PrivateKeyPem()));
    }

    /// <summary>A list of revocations.</summary>
    public string Revoke(string file, params Issued[] revoked)
    {
        var list = new CertificateRevocationListBuilder();
        foreach (Issued one in revoked)
        {
            using var certificate = X509Certificate2.CreateFromPemFile(one.CertFile, one.KeyFile);
            list.AddEntry(certificate);
        }

        byte[] der = list.Build(Certificate, 1, Now.AddDays(10), HashAlgorithmName.SHA256);
        return Write(file, PemEncoding.WriteString("X509 CRL", der));
    }

    /// <summary>What a client that trusts this authority connects with.</summary>
    public SslClientAuthenticationOptions Client(Issued? own = null) => Conclave.Client.ClientTls.FromFiles(CertFile, own?.CertFile, own?.KeyFile);

    private string Write(string file, string text)
    {
        string path = Path.Combine(_directory, file);
        File.WriteAllText(path, text + "\n");
        return path;
    }
}

/// <summary>A certificate and its key.</summary>
internal sealed record Issued(string CertFile, string KeyFile);
