using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Conclave.Node.Options;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Tls;

/// <summary>What one side's TLS uses from one reading of its files to the next. Immutable.</summary>
/// <param name="Served">Own certificate with its chain; null when there is none.</param>
/// <param name="Dialled">Shown when dialling; null when there is none.</param>
/// <param name="Rules">For the certificates of others.</param>
internal sealed record TlsCredentials(SslStreamCertificateContext? Served, SslStreamCertificateContext? Dialled, CertificateRules Rules)
{
    /// <exception cref="TlsFileException">A file holds something else than it should.</exception>
    public static TlsCredentials Of(TlsFiles files, TlsOptions options)
    {
        SslStreamCertificateContext? served = Context(files.Certificate, files.Key, options.CertFile, options.KeyFile);
        SslStreamCertificateContext? dialled = Context(files.DialCertificate, files.DialKey, options.DialCertFile, options.DialKeyFile) ?? served;
        X509Certificate2Collection? roots = files.Authorities is { } authorities ? Pem.Certificates(authorities, options.TrustedCaFile ?? "") : null;
        RevokedCertificates revoked = files.Revocations is { } list ? RevokedCertificates.Read(list, options.CrlFile ?? "") : RevokedCertificates.None;
        return new TlsCredentials(served, dialled, new CertificateRules(options, roots, revoked));
    }

    private static SslStreamCertificateContext? Context(byte[]? certificate, byte[]? key, string? certPath, string? keyPath)
    {
        if (certificate is null || key is null) return null;
        (X509Certificate2 own, X509Certificate2Collection further) = Pem.Identity(certificate, key, certPath ?? "", keyPath ?? "");
        return SslStreamCertificateContext.Create(own, further, offline: true);   // nothing is fetched from the network for it
    }
}

/// <summary>Keeps one side's <see cref="TlsCredentials"/> those of its files.</summary>
/// <remarks>
/// A new connection makes it look, at most once a second; the files are small. What cannot be used is said once for each content, and what was in
/// use stays. Certificate and key are two files: between the two writes they do not fit, and the look after that finds them right.
/// </remarks>
internal sealed class TlsCredentialsSource
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1), SoonExpired = TimeSpan.FromDays(14);

    private readonly TlsOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _side;
    private readonly Lock _looking = new();
    private volatile TlsCredentials _current;
    private TlsFiles _seen;   // under _looking
    private string _lastProblem = "";   // under _looking
    private long _lookedAt;

    /// <exception cref="TlsFileException">A file cannot be read, or holds something else than it should.</exception>
    public TlsCredentialsSource(TlsOptions options, TimeProvider time, ILogger logger)
    {
        (_options, _time, _logger, _side) = (options, time, logger, options.Prefix.Length > 0 ? "peers" : "clients");
        _seen = TlsFiles.Read(options);
        _current = TlsCredentials.Of(_seen, options);
        _lookedAt = time.GetTimestamp();
        if (_current.Served is not { } served) return;
        Log.CertificateInUse(logger, _side, served.TargetCertificate.Subject, served.TargetCertificate.NotAfter.ToUniversalTime());
        WarnOfExpiry(served.TargetCertificate);
    }

    /// <summary>As of the last second.</summary>
    public TlsCredentials Current
    {
        get
        {
            if (_time.GetElapsedTime(Volatile.Read(ref _lookedAt)) >= LookInterval && _looking.TryEnter())
            {
                try
                {
                    LookUnderLock();
                }
                finally
                {
                    _looking.Exit();
                }
            }

            return _current;
        }
    }

    private void LookUnderLock()
    {
        Volatile.Write(ref _lookedAt, _time.GetTimestamp());
        try
        {
            TlsFiles files = TlsFiles.Read(_options);
            if (files.SameAs(_seen)) return;
            _seen = files;
            _current = TlsCredentials.Of(files, _options);
            _lastProblem = "";
            if (_current.Served is not { } served) return;
            Log.CertificateReplaced(_logger, _side, served.TargetCertificate.Subject, served.TargetCertificate.NotAfter.ToUniversalTime());
            WarnOfExpiry(served.TargetCertificate);
        }
        catch (TlsFileException problem)
        {
            if (problem.Message != _lastProblem) Log.CertificateNotReplaced(_logger, _side, problem.Message);
            _lastProblem = problem.Message;
        }
    }

    private void WarnOfExpiry(X509Certificate2 certificate)
    {
        if (certificate.NotAfter.ToUniversalTime() - _time.GetUtcNow().UtcDateTime < SoonExpired) Log.CertificateExpires(_logger, _side, certificate.Subject, certificate.NotAfter.ToUniversalTime());
    }
}
