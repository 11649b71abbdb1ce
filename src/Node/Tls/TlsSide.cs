using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Conclave.Node.Options;
using Microsoft.Extensions.Logging;

namespace Conclave.Node.Tls;

/// <summary>TLS towards clients, or towards the other members: what each handshake is done with.</summary>
internal sealed class TlsSide
{
    private static readonly List<SslApplicationProtocol> HttpProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];

    // Always on beside the suites of 1.2 that the operator names: their strength is not a matter of choice.
    private static readonly TlsCipherSuite[] SuitesOf13 = [TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256];

    private readonly TlsOptions _options;
    private readonly TlsCredentialsSource _source;
    private readonly SslProtocols _versions;
    private readonly CipherSuitesPolicy? _suites;

    private TlsSide(TlsOptions options, TlsPolicy policy, TimeProvider time, ILogger logger)
    {
        _options = options;
        _source = new TlsCredentialsSource(options, time, logger);
        if (policy.MinVersion <= TlsPolicy.V12) _versions |= SslProtocols.Tls12;
        if (policy.MaxVersion >= TlsPolicy.V13) _versions |= SslProtocols.Tls13;
        if (policy.CipherSuites.Count > 0) _suites = Suites(policy, logger);
    }

    /// <param name="options">Of one side.</param>
    /// <param name="urls">Where it listens: a certificate of its own making is made out to these hosts.</param>
    /// <param name="node">For the data directory and what holds for all TLS.</param>
    /// <param name="time">For expiry and the pace of looking at files.</param>
    /// <param name="logger">Log of changes.</param>
    /// <exception cref="TlsFileException">A file cannot be used; the message says what to do.</exception>
    public static TlsSide Open(TlsOptions options, IEnumerable<Uri> urls, NodeOptions node, TimeProvider time, ILogger logger)
    {
        if (options.IsSelfSigned)
        {
            string directory = Path.Combine(node.DataDir, "fixtures", options.Prefix.Length > 0 ? "peer" : "client");
            (string certificate, string key) = SelfSignedCertificate.Ensure(directory, urls.Select(url => url.DnsSafeHost), node.TlsPolicy.SelfSignedYears, time.GetUtcNow(), logger);
            options = options with { CertFile = certificate, KeyFile = key };
            return new TlsSide(options, node.TlsPolicy, time, logger) { TrustsAnybody = true };
        }

        return new TlsSide(options, node.TlsPolicy, time, logger);
    }

    /// <summary>Towards the other members. Without flags about it, members whose URLs begin with https can still be dialled.</summary>
    /// <inheritdoc cref="Open" path="/exception"/>
    public static TlsSide OpenForPeers(NodeOptions node, ILogger logger)
    {
        bool listens = node.ListenPeerUrls.Any(url => url.Scheme == "https");
        return Open(listens ? node.PeerTls : node.PeerTls with { Auto = false }, node.ListenPeerUrls.Concat(node.InitialAdvertisePeerUrls), node, TimeProvider.System, logger);
    }

    /// <summary>Everybody has to show a certificate.</summary>
    public bool WantsCertificates => _options.WantsCertificates;

    /// <summary>Common names of verified certificates are names of users.</summary>
    public bool NamesUsers => _options.CertAuth;

    /// <summary>Nobody vouches for certificates that members make themselves, so none is checked.</summary>
    private bool TrustsAnybody { get; init; }

    /// <summary>When the certificate that is served ends, in UTC; null without one.</summary>
    public DateTime? ServedUntil => _source.Current.Served?.TargetCertificate.NotAfter.ToUniversalTime();

    /// <summary>For one handshake with a client of ours.</summary>
    /// <param name="onRefused">Hears what is wrong with the certificate of the other side, which is then refused.</param>
    public SslServerAuthenticationOptions ForHttp(Action<string> onRefused)
    {
        SslServerAuthenticationOptions handshake = ForServer(problem =>
        {
            onRefused(problem);
            return false;
        });
        handshake.ApplicationProtocols = HttpProtocols;
        return handshake;
    }

    /// <summary>For one handshake with a member that calls. Its certificate is judged by <paramref name="judge"/>, so that it can be told why.</summary>
    /// <param name="judge">Gets what is wrong with the certificate; returns whether the handshake goes on all the same.</param>
    public SslServerAuthenticationOptions ForServer(Func<string, bool> judge)
    {
        TlsCredentials credentials = _source.Current;
        var handshake = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = credentials.Served,
            EnabledSslProtocols = _versions,
            CipherSuitesPolicy = _suites,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            AllowRenegotiation = false,
        };
        if (!_options.WantsCertificates) return handshake;
        handshake.ClientCertificateRequired = true;
        handshake.AllowTlsResume = false;   // each connection is judged by what is trusted now
        handshake.CertificateChainPolicy = credentials.Rules.ChainPolicy(ofServers: false);
        handshake.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
        {
            string problem = credentials.Rules.Problem(certificate as X509Certificate2, chain, errors);
            return problem.Length == 0 || judge(problem);
        };
        return handshake;
    }

    /// <summary>For one handshake with a member that is called.</summary>
    /// <param name="host">Its certificate has to be made out to it.</param>
    /// <param name="onRefused">Hears what is wrong with its certificate.</param>
    public SslClientAuthenticationOptions ForClient(string host, Action<string> onRefused)
    {
        TlsCredentials credentials = _source.Current;
        return new SslClientAuthenticationOptions
        {
            TargetHost = host,
            ClientCertificateContext = credentials.Dialled,
            EnabledSslProtocols = _versions,
            CipherSuitesPolicy = _suites,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            AllowRenegotiation = false,
            AllowTlsResume = false,
            CertificateChainPolicy = credentials.Rules.ChainPolicy(ofServers: true),
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            {
                string problem = TrustsAnybody ? "" : credentials.Rules.Problem(certificate as X509Certificate2, chain, errors);
                if (problem.Length > 0) onRefused(problem);
                return problem.Length == 0;
            },
        };
    }

    private static CipherSuitesPolicy? Suites(TlsPolicy policy, ILogger logger)
    {
        if (!OperatingSystem.IsWindows() && !OperatingSystem.IsAndroid()) return new CipherSuitesPolicy([.. SuitesOf13, .. policy.CipherSuites]);
        Log.CipherSuitesIgnored(logger);
        return null;
    }
}
