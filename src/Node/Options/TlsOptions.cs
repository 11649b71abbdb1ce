namespace Conclave.Node.Options;

/// <summary>What one side of a node, its clients or its peers, is told about TLS. Files are PEM and are read again when they change.</summary>
public sealed record TlsOptions
{
    /// <summary>"" for the flags of clients, "peer-" for those of the members.</summary>
    public required string Prefix { get; init; }

    /// <summary>Own certificate, and below it the ones between it and the authority.</summary>
    public string? CertFile { get; init; }

    /// <summary>Private key of <see cref="CertFile"/>, not encrypted.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Peers only: shown when dialling, in place of <see cref="CertFile"/>.</summary>
    public string? DialCertFile { get; init; }

    /// <summary>Private key of <see cref="DialCertFile"/>.</summary>
    public string? DialKeyFile { get; init; }

    /// <summary>Certificates that the others' must lead to; null means the system's. Given, everybody has to show a certificate.</summary>
    public string? TrustedCaFile { get; init; }

    /// <summary>Serial numbers of certificates that were taken back; several lists may follow each other.</summary>
    public string? CrlFile { get; init; }

    /// <summary>Everybody has to show a certificate that leads to <see cref="TrustedCaFile"/>, and a client's common name counts as its name. Default false.</summary>
    public bool CertAuth { get; init; }

    /// <summary>Common names, one of which a certificate has to have; empty allows all.</summary>
    public IReadOnlyList<string> AllowedNames { get; init; } = [];

    /// <summary>Hosts, one of which a certificate has to be made out to; empty allows all.</summary>
    public IReadOnlyList<string> AllowedHostnames { get; init; } = [];

    /// <summary>A certificate of the node's own making, kept in its data directory: encrypts, and proves nothing. Default false.</summary>
    public bool Auto { get; init; }

    /// <summary>There is a certificate to serve with.</summary>
    public bool IsGiven => CertFile is not null || KeyFile is not null || Auto;

    /// <summary>The certificate is the node's own.</summary>
    public bool IsSelfSigned => Auto && CertFile is null && KeyFile is null;

    /// <summary>As in etcd, an authority to trust asks for certificates as much as the flag does.</summary>
    public bool WantsCertificates => CertAuth || TrustedCaFile is not null;

    public string Flag(string name) => $"--{Prefix}{name}";

    /// <summary>The flag that asks for certificates.</summary>
    public string CertAuthFlag => Flag("client-cert-auth");

    internal IEnumerable<string> Problems(string urlFlag, IReadOnlyList<Uri> urls)
    {
        if (CertFile is null != KeyFile is null)
            yield return $"{Flag(CertFile is null ? "key-file" : "cert-file")} is given without {Flag(CertFile is null ? "cert-file" : "key-file")}; a certificate and its key go together.";
        if (DialCertFile is null != DialKeyFile is null)
            yield return $"{Flag("client-cert-file")} and {Flag("client-key-file")} go together; only one of them is given.";
        if (AllowedNames.Count > 0 && AllowedHostnames.Count > 0)
            yield return $"{Flag(Prefix.Length > 0 ? "cert-allowed-cn" : "client-cert-allowed-cn")} and the flag for allowed hostnames exclude each other; use one.";
        if (IsSelfSigned && (WantsCertificates || CrlFile is not null))
            yield return $"{Flag("auto-tls")} makes a certificate that no authority vouches for, so nobody's can be checked either: drop {CertAuthFlag}, {Flag("trusted-ca-file")} and {CrlFlag}, or give {Flag("cert-file")} and {Flag("key-file")}.";
        if (!WantsCertificates && !IsSelfSigned && (AllowedNames.Count > 0 || AllowedHostnames.Count > 0 || CrlFile is not null))
            yield return $"Rules about certificates are given, and nobody is asked for one; add {CertAuthFlag} and {Flag("trusted-ca-file")}.";
        foreach (Uri url in urls)
        {
            if (url.Scheme == "https" && !IsGiven)
                yield return $"{urlFlag} has {NodeOptions.Plain(url)} and there is no certificate for it; give {Flag("cert-file")} and {Flag("key-file")}, or {Flag("auto-tls")}.";
        }
    }

    internal IEnumerable<string> Warnings(string urlFlag, IReadOnlyList<Uri> urls)
    {
        if (IsGiven && urls.FirstOrDefault(url => url.Scheme == "http") is { } clear)
            yield return $"{urlFlag} has {NodeOptions.Plain(clear)}: certificates are given, and this address is served without TLS. Write https:// to use them.";
        if (Auto && !IsSelfSigned) yield return $"{Flag("auto-tls")} has no effect beside {Flag("cert-file")}.";
        if (Prefix.Length > 0 && urls.Any(url => url.Scheme == "https") && !WantsCertificates)
            yield return $"the peer port encrypts, and lets in everybody who can reach it: add {CertAuthFlag} and {Flag("trusted-ca-file")}.";
    }

    private string CrlFlag => Prefix.Length > 0 ? "--peer-crl-file" : "--client-crl-file";
}

/// <summary>What holds for every TLS connection of a node.</summary>
public sealed record TlsPolicy
{
    /// <summary>Oldest version spoken, 1.2 or 1.3. Default 1.2.</summary>
    public Version MinVersion { get; init; } = V12;

    /// <summary>Newest version spoken, 1.2 or 1.3. Default 1.3.</summary>
    public Version MaxVersion { get; init; } = V13;

    /// <summary>Suites for TLS 1.2, by the names of the standard; empty leaves it to the system. Those of TLS 1.3 are always on.</summary>
    public IReadOnlyList<System.Net.Security.TlsCipherSuite> CipherSuites { get; init; } = [];

    /// <summary>Validity of certificates of the node's own making, in years of 365 days, 1 or more. Default 1.</summary>
    public int SelfSignedYears { get; init; } = 1;

    public static Version V12 { get; } = new(1, 2);

    public static Version V13 { get; } = new(1, 3);

    internal IEnumerable<string> Problems()
    {
        if (MinVersion > MaxVersion)
            yield return $"--tls-min-version is TLS{MinVersion} and --tls-max-version TLS{MaxVersion}; no version is left.";
        if (CipherSuites.Count > 0 && MinVersion == V13)
            yield return "--cipher-suites are those of TLS 1.2, and --tls-min-version is TLS1.3; drop one of them.";
        if (SelfSignedYears is < 1 or > 100)
            yield return $"--self-signed-cert-validity is {SelfSignedYears}; use 1 to 100 years.";
    }
}
