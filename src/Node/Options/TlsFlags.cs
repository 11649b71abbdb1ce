using System.Net.Security;

namespace Conclave.Node.Options;

/// <summary>etcd's flags about TLS.</summary>
internal static class TlsFlags
{
    public static readonly NodeFlag[] All =
    [
        Client("cert-file", "certificate (PEM) shown to clients, with those between it and the authority", (t, v) => t with { CertFile = v }),
        Client("key-file", "private key (PEM) of --cert-file", (t, v) => t with { KeyFile = v }),
        Client("trusted-ca-file", "authorities (PEM) that clients' certificates have to lead to; asks every client for one", (t, v) => t with { TrustedCaFile = v }),
        Client("client-cert-auth", "clients have to show a certificate; its common name is the name of the user", (t, v) => t with { CertAuth = NodeFlags.Switch(v) }, isSwitch: true),
        Client("client-crl-file", "certificates that were taken back (CRL, PEM or DER)", (t, v) => t with { CrlFile = v }),
        Client("client-cert-allowed-cn", "common names, one of which clients' certificates have to have", (t, v) => t with { AllowedNames = NodeFlags.Names(v) }),
        Client("client-cert-allowed-hostname", "hosts, one of which clients' certificates have to be made out to", (t, v) => t with { AllowedHostnames = NodeFlags.Names(v) }),
        Client("client-cert-allowed-hostnames", "the same", (t, v) => t with { AllowedHostnames = NodeFlags.Names(v) }),
        Client("auto-tls", "TLS for clients with a certificate of the node's own making, kept in the data directory", (t, v) => t with { Auto = NodeFlags.Switch(v) }, isSwitch: true),
        Peer("peer-cert-file", "certificate (PEM) shown to other members", (t, v) => t with { CertFile = v }),
        Peer("peer-key-file", "private key (PEM) of --peer-cert-file", (t, v) => t with { KeyFile = v }),
        Peer("peer-client-cert-file", "certificate (PEM) shown when dialling other members (default: --peer-cert-file)", (t, v) => t with { DialCertFile = v }),
        Peer("peer-client-key-file", "private key (PEM) of --peer-client-cert-file", (t, v) => t with { DialKeyFile = v }),
        Peer("peer-trusted-ca-file", "authorities (PEM) that members' certificates have to lead to; asks every caller for one", (t, v) => t with { TrustedCaFile = v }),
        Peer("peer-client-cert-auth", "callers on the peer port have to show a certificate", (t, v) => t with { CertAuth = NodeFlags.Switch(v) }, isSwitch: true),
        Peer("peer-crl-file", "certificates that were taken back (CRL, PEM or DER)", (t, v) => t with { CrlFile = v }),
        Peer("peer-cert-allowed-cn", "common names, one of which members' certificates have to have", (t, v) => t with { AllowedNames = NodeFlags.Names(v) }),
        Peer("peer-cert-allowed-hostname", "hosts, one of which members' certificates have to be made out to", (t, v) => t with { AllowedHostnames = NodeFlags.Names(v) }),
        Peer("peer-auto-tls", "TLS between members with certificates of their own making: encrypts, and lets everybody in", (t, v) => t with { Auto = NodeFlags.Switch(v) }, isSwitch: true),
        Policy("self-signed-cert-validity", "years that certificates of the node's own making are good for (default 1)", (t, v) => t with { SelfSignedYears = checked((int)NodeFlags.Number(v)) }),
        Policy("tls-min-version", "TLS1.2 (default) or TLS1.3", (t, v) => t with { MinVersion = VersionOf(v) }),
        Policy("tls-max-version", "TLS1.2 or TLS1.3 (default)", (t, v) => t with { MaxVersion = VersionOf(v) }),
        Policy("cipher-suites", "suites of TLS 1.2 by name, such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 (default: the system's)", (t, v) => t with { CipherSuites = [.. NodeFlags.Names(v).Select(Suite)] }),
        new("allow-insecure-listen", "listeners without TLS on other addresses than loopback", (o, v) => o with { AllowInsecureListen = NodeFlags.Switch(v) }, IsSwitch: true),
    ];

    private static NodeFlag Client(string name, string meaning, Func<TlsOptions, string, TlsOptions> set, bool isSwitch = false) =>
        new(name, meaning, (o, v) => o with { ClientTls = set(o.ClientTls, v) }, isSwitch);

    private static NodeFlag Peer(string name, string meaning, Func<TlsOptions, string, TlsOptions> set, bool isSwitch = false) =>
        new(name, meaning, (o, v) => o with { PeerTls = set(o.PeerTls, v) }, isSwitch);

    private static NodeFlag Policy(string name, string meaning, Func<TlsPolicy, string, TlsPolicy> set) =>
        new(name, meaning, (o, v) => o with { TlsPolicy = set(o.TlsPolicy, v) });

    private static Version VersionOf(string value) => value switch
    {
        "TLS1.2" => TlsPolicy.V12,
        "TLS1.3" => TlsPolicy.V13,
        _ => throw new FormatException("use TLS1.2 or TLS1.3"),
    };

    private static TlsCipherSuite Suite(string name)
    {
        // Go's older names of two of them.
        string standard = name is "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305" or "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305" ? name + "_SHA256" : name;
        return Enum.TryParse(standard, out TlsCipherSuite suite) && Enum.IsDefined(suite) && standard.StartsWith("TLS_", StringComparison.Ordinal)
            ? suite
            : throw new FormatException($"'{name}' is not the name of a cipher suite, such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    }
}
