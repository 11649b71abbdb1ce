using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Conclave.Clients.Tests.Tls;

/// <summary>A certificate authority of the test's own, with one certificate for the servers and one for a client, as PEM files.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly string _directory;
    private readonly X509Certificate2 _authority;

    public TestAuthority(string directory)
    {
        _directory = directory;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        _authority = request.CreateSelfSigned(Yesterday, Tomorrow);
        File.WriteAllText(AuthorityFile, _authority.ExportCertificatePem());
        Issue("CN=server", ServerCertificate, ServerKey);
        Issue("CN=client", ClientCertificate, ClientKey);
    }

    public string AuthorityFile => Path.Combine(_directory, "ca.crt");

    public string ServerCertificate => Path.Combine(_directory, "server.crt");

    public string ServerKey => Path.Combine(_directory, "server.key");

    public string ClientCertificate => Path.Combine(_directory, "client.crt");

    public string ClientKey => Path.Combine(_directory, "client.key");

    private static DateTimeOffset Yesterday => DateTimeOffset.UtcNow.AddDays(-1);

    private static DateTimeOffset Tomorrow => DateTimeOffset.UtcNow.AddDays(1);

    /// <summary>A certificate with a common name of its own.</summary>
    public (string Certificate, string Key) Issue(string name) => Issue(name, $"CN={name}");

    /// <summary>One without a common name.</summary>
    public (string Certificate, string Key) IssueNameless() => Issue("nameless", "O=test");

    public void Dispose() => _authority.Dispose();

    private (string Certificate, string Key) Issue(string name, string subject)
    {
        (string certificate, string key) = (Path.Combine(_directory, name + ".crt"), Path.Combine(_directory, name + ".key"));
        Issue(subject, certificate, key);
        return (certificate, key);
    }

    private void Issue(string subject, string certificateFile, string keyFile)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.Create(_authority, Yesterday.AddHours(1), Tomorrow.AddHours(-1), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
    }
}
