using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Conclave.Bench.Load;

/// <summary>TLS between the load and the members, with a certificate made for the run, which is all that is trusted.</summary>
internal static class LoadTls
{
    private static string? _thumbprint;

    /// <summary>Set once, before the first cluster is started.</summary>
    public static bool IsOn => _thumbprint is not null;

    /// <summary>Makes the certificate.</summary>
    /// <param name="directory">Where to put it.</param>
    /// <returns>Flags for the members.</returns>
    public static IReadOnlyList<string> TurnOn(string directory)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=conclave-bench", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        (string file, string secret) = (Path.Combine(directory, "tls.crt"), Path.Combine(directory, "tls.key"));
        File.WriteAllText(file, certificate.ExportCertificatePem());
        File.WriteAllText(secret, key.ExportECPrivateKeyPem());
        _thumbprint = certificate.Thumbprint;
        return ["--cert-file", file, "--key-file", secret];
    }

    public static SslClientAuthenticationOptions Options() => new()
    {
        TargetHost = "127.0.0.1",
        ApplicationProtocols = [SslApplicationProtocol.Http2],
        RemoteCertificateValidationCallback = (_, certificate, _, _) => (certificate as X509Certificate2)?.Thumbprint == _thumbprint,
    };

    public static SslStream Open(Socket socket)
    {
        var stream = new SslStream(new NetworkStream(socket));
        stream.AuthenticateAsClient(Options());
        return stream;
    }
}
