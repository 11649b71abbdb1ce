using Conclave.Node.Options;

namespace Conclave.Node.Tests.Options;

public class NodeFlagsTests
{
    private static NodeFlags.Parsed Parse(params string[] arguments) => NodeFlags.Parse(arguments, []);

    [Fact]
    public void Without_flags_a_node_is_alone_on_loopback()
    {
        NodeOptions options = Parse().Options!;

        Assert.Equal("http://127.0.0.1:2379/", Assert.Single(options.ListenClientUrls).ToString());
        Assert.Equal("default.conclave", options.DataDir);
        Assert.Equal("default", Assert.Single(options.InitialCluster).Name);
        Assert.Equal(2, options.LeaseTtlSecondsMin);
        Assert.Equal(TimeSpan.FromSeconds(7), options.RequestTimeout);
    }

    [Theory]
    [InlineData("--name", "a")]
    [InlineData("--name=a", null)]
    [InlineData("-name", "a")]
    [InlineData("-name=a", null)]
    public void Flags_may_be_written_as_etcd_allows(string first, string? second) =>
        Assert.Equal("a", (second is null ? Parse(first) : Parse(first, second)).Options!.Name);

    [Fact]
    public void A_flag_wins_over_the_environment()
    {
        KeyValuePair<string, string>[] environment = [new("CONCLAVE_NAME", "env"), new("CONCLAVE_DATA_DIR", "/var/x"), new("CONCLAVE_ENDPOINTS", "not a node flag")];

        NodeOptions options = NodeFlags.Parse(["--name", "flag"], environment).Options!;

        Assert.Equal(("flag", "/var/x"), (options.Name, options.DataDir));
    }

    [Fact]
    public void A_three_member_cluster_is_read()
    {
        NodeOptions options = Parse("--name", "n2", "--initial-cluster", "n1=http://127.0.0.1:1,n2=http://127.0.0.1:2,n3=http://127.0.0.1:3",
            "--listen-peer-urls", "http://127.0.0.1:2").Options!;

        Assert.Equal(["n1", "n2", "n3"], options.InitialCluster.Select(m => m.Name));
    }

    [Fact]
    public void An_unknown_flag_is_an_error_that_names_the_nearest() =>
        Assert.Contains("--listen-client-urls", Assert.Single(Parse("--listen-client-url", "http://127.0.0.1:1").Errors));

    [Fact]
    public void A_flag_of_etcd_without_meaning_here_is_one_warning()
    {
        NodeFlags.Parsed parsed = Parse("--logger", "zap", "--pre-vote", "--max-wals=3");

        Assert.NotNull(parsed.Options);
        Assert.Equal("accepted without effect: --logger, --max-wals, --pre-vote.", Assert.Single(parsed.Warnings));
    }

    /// <summary>As kubeadm, and unit files for 3.5 and 3.6, write them.</summary>
    [Theory]
    [InlineData("--experimental-initial-corrupt-check=true", "--experimental-watch-progress-notify-interval=5s", "--listen-metrics-urls=http://127.0.0.1:2381", "--snapshot-count=10000")]
    [InlineData("--feature-gates=InitialCorruptCheck=true", "--watch-progress-notify-interval=5s", "--warning-unary-request-duration", "1s")]
    [InlineData("--experimental-compact-hash-check-enabled", "--experimental-compaction-sleep-interval=10ms", "--max-learners=1", "--enable-log-rotation")]
    [InlineData("--v2-deprecation=gone", "--raft-read-timeout", "10s", "--experimental-memory-mlock")]
    [InlineData("--experimental-wait-cluster-ready-timeout", "7s", "--name", "a")]
    [InlineData("--force-new-cluster=false")]
    public void Flags_of_later_versions_of_etcd_carry_over(params string[] flags) => Assert.Empty(Parse(flags).Errors);

    [Fact]
    public void A_variable_that_is_nearly_a_flag_and_one_of_etcds_are_warned_of()
    {
        KeyValuePair<string, string>[] environment =
            [new("CONCLAVE_LISTEN_CLIENT_URL", "x"), new("CONCLAVE_NODE", "x"), new("CONCLAVE_USER", "x"), new("CONCLAVE_ELSEWHERE", "x"), new("ETCD_NAME", "n1"), new("ETCD_UNSUPPORTED_ARCH", "arm64"), new("ETCDCTL_API", "3")];

        IReadOnlyList<string> warnings = NodeFlags.Parse([], environment).Warnings;

        Assert.Equal(
            ["CONCLAVE_LISTEN_CLIENT_URL is no flag of this program; CONCLAVE_LISTEN_CLIENT_URLS is.", "ETCD_NAME is set and not looked at; CONCLAVE_... is, in the place of ETCD_..."], warnings);
    }

    /// <summary>Kubernetes tells each pod about the services beside it, and whoever writes a pod or a script has variables of their own.</summary>
    [Theory]
    [InlineData("PORT", "tcp://10.0.0.1:2379")]
    [InlineData("PORT_2379_TCP", "tcp://10.0.0.1:2379")]
    [InlineData("PORT_2379_TCP_PROTO", "tcp")]
    [InlineData("SERVICE_HOST", "10.0.0.1")]
    [InlineData("SERVICE_PORT_CLIENT", "2379")]
    [InlineData("LISTEN_CLIENT_URL_SERVICE_HOST", "10.0.0.1")]
    [InlineData("LISTEN_CLIENT_PORT", "tcp://10.0.0.1:2379")]
    [InlineData("HOST", "x")]
    [InlineData("LOG", "x")]
    [InlineData("URL", "x")]
    [InlineData("HOME", "x")]
    [InlineData("DATA", "x")]
    [InlineData("MODE", "x")]
    [InlineData("MAX_WAL", "x")]   // what is meant would change nothing
    public void A_variable_of_somebody_else_is_not_taken_for_a_flag(string name, string value) => Assert.Empty(NodeFlags.Parse([], [new("CONCLAVE_" + name, value)]).Warnings);

    [Theory]
    [InlineData("DATADIR", "DATA_DIR")]
    [InlineData("NAMES", "NAME")]
    [InlineData("INITIAL_CLUSTRE_STAT", "INITIAL_CLUSTER_STATE")]
    public void A_variable_that_is_nearly_a_flag_is_warned_of_with_its_name(string name, string meant) =>
        Assert.Equal($"CONCLAVE_{name} is no flag of this program; CONCLAVE_{meant} is.", Assert.Single(NodeFlags.Parse([], [new("CONCLAVE_" + name, "x")]).Warnings));

    [Theory]
    [InlineData("--listen-client-urls")]
    [InlineData("--listen-peer-urls")]
    public void A_port_of_the_node_needs_an_address(string flag)
    {
        Assert.Contains($"{flag} is empty; name at least one address.", Parse(flag, "").Errors);
        Assert.Contains($"{flag} is empty; name at least one address.", Parse(flag, " , ").Errors);
    }

    [Fact]
    public void Metrics_need_no_address_of_their_own()
    {
        NodeFlags.Parsed parsed = Parse("--listen-metrics-urls", "");

        Assert.Empty(parsed.Errors);
        Assert.Empty(parsed.Options!.ListenMetricsUrls);
    }

    [Theory]
    [InlineData("stands 2 times", "--listen-client-urls", "http://127.0.0.1:5000", "--listen-peer-urls", "http://127.0.0.1:5000")]
    [InlineData("stands 2 times", "--listen-metrics-urls", "http://127.0.0.1:2379")]
    [InlineData("uses the certificate of the clients' port", "--listen-metrics-urls", "https://127.0.0.1:5000")]
    [InlineData("can read them", "--listen-metrics-urls", "http://10.0.0.1:5000")]
    [InlineData("--listen-client-http-urls is not supported", "--listen-client-http-urls", "http://127.0.0.1:5000")]
    [InlineData("--initial-cluster-state existing", "--name", "b", "--listen-peer-urls", "http://127.0.0.1:2", "--initial-cluster", "a=http://127.0.0.1:1,b=http://127.0.0.1:2")]
    public void Listening_and_joining_that_cannot_be_meant_is_refused(string expected, params string[] flags) => Assert.Contains(expected, Assert.Single(Parse(flags).Errors));

    [Fact]
    public void An_address_that_is_every_machines_own_is_not_advertised_without_a_warning()
    {
        NodeFlags.Parsed parsed = Parse("--listen-client-urls", "http://0.0.0.0:2379", "--allow-insecure-listen");

        Assert.NotNull(parsed.Options);
        Assert.Contains("--advertise-client-urls is http://0.0.0.0:2379", Assert.Single(parsed.Warnings));
        Assert.Empty(Parse("--listen-client-urls", "http://0.0.0.0:2379", "--allow-insecure-listen", "--advertise-client-urls", "http://10.0.0.1:2379").Warnings);
    }

    [Fact]
    public void A_flag_that_asks_for_what_we_do_not_have_is_refused() =>
        Assert.Contains("--discovery-srv", Assert.Single(Parse("--discovery-srv", "example.com").Errors));

    [Theory]
    [InlineData("dial-timeout", "2s")]
    [InlineData("request-timeout", "5s")]
    [InlineData("keepalive-time", "2s")]
    [InlineData("keepalive-timeout", "6s")]
    [InlineData("insecure-transport", null)]
    [InlineData("insecure-skip-tls-verify", null)]
    [InlineData("cert", "a")]
    [InlineData("key", "a")]
    [InlineData("cacert", "a")]
    [InlineData("user", "a")]
    [InlineData("password", "a")]
    public void What_belongs_to_discovery_is_refused_by_name(string flag, string? value)
    {
        string[] flags = value is null ? ["--discovery-" + flag] : ["--discovery-" + flag, value];
        Assert.StartsWith($"--discovery-{flag} is not supported yet", Assert.Single(Parse([.. flags, "--name", "a"]).Errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("there is no certificate for it", "--listen-client-urls", "https://127.0.0.1:2379")]
    [InlineData("there is no certificate for it", "--listen-peer-urls", "https://127.0.0.1:2380")]
    [InlineData("--cert-file is given without --key-file", "--cert-file", "x.pem")]
    [InlineData("exclude each other", "--peer-cert-allowed-cn", "a", "--peer-cert-allowed-hostname", "b", "--peer-client-cert-auth")]
    [InlineData("nobody is asked for one", "--client-crl-file", "x.pem")]
    [InlineData("no authority vouches for", "--auto-tls", "--client-cert-auth")]
    [InlineData("no version is left", "--tls-min-version", "TLS1.3", "--tls-max-version", "TLS1.2")]
    [InlineData("use TLS1.2 or TLS1.3", "--tls-min-version", "SSL3")]
    [InlineData("is not the name of a cipher suite", "--cipher-suites", "ROT13")]
    [InlineData("--max-connections is -1", "--max-connections", "-1")]
    public void What_cannot_be_meant_about_tls_and_limits_is_refused(string expected, params string[] flags) => Assert.Contains(expected, Assert.Single(Parse(flags).Errors));

    [Fact]
    public void A_listener_without_tls_beyond_loopback_has_to_be_asked_for()
    {
        string[] open = ["--listen-client-urls", "http://10.0.0.1:2379"];

        string refused = Assert.Single(Parse(open).Errors);
        Assert.Contains("--cert-file", refused);
        Assert.Contains("--allow-insecure-listen", refused);
        Assert.NotNull(Parse([.. open, "--allow-insecure-listen"]).Options);
        Assert.NotNull(NodeFlags.Parse(open, [new("CONCLAVE_ALLOW_INSECURE_LISTEN", "true")]).Options);
        Assert.NotNull(Parse("--listen-client-urls", "https://10.0.0.1:2379", "--cert-file", "a", "--key-file", "b").Options);
    }

    [Fact]
    public void Flags_about_tls_are_read_as_etcds()
    {
        NodeFlags.Parsed parsed = Parse("--peer-auto-tls", "--listen-peer-urls", "https://127.0.0.1:2380", "--peer-cert-allowed-cn=", "--cipher-suites", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "--client-cert-allowed-hostname", "a,b", "--trusted-ca-file", "ca.pem", "--max-concurrent-streams", "4294967295", "--grpc-keepalive-min-time", "0s");

        NodeOptions options = parsed.Options!;
        Assert.True(options.PeerTls.IsSelfSigned);
        Assert.Equal(2, options.TlsPolicy.CipherSuites.Count);
        Assert.Equal(["a", "b"], options.ClientTls.AllowedHostnames);
        Assert.True(options.ClientTls is { WantsCertificates: true, CertAuth: false });
        Assert.Equal((int.MaxValue, TimeSpan.Zero), (options.Limits.StreamsPerConnection, options.Limits.KeepAliveMinTime));
        Assert.Contains("lets in everybody", Assert.Single(parsed.Warnings));
    }

    [Fact]
    public void All_problems_are_named_at_once()
    {
        IReadOnlyList<string> errors = Parse("--election-timeout", "200", "--snapshot-count", "0", "--listen-client-urls", "http://10.0.0.1:2379").Errors;

        Assert.Equal(3, errors.Count);
        Assert.Contains(errors, e => e.Contains("--allow-insecure-listen"));
    }

    [Theory]
    [InlineData("--listen-client-urls", "127.0.0.1:2379")]
    [InlineData("--listen-client-urls", "http://127.0.0.1:2379/path")]
    [InlineData("--initial-cluster", "n1")]
    [InlineData("--heartbeat-interval", "soon")]
    [InlineData("--snapshot-count", "99999999999")]
    [InlineData("--auto-compaction-retention", "5 parsecs")]
    [InlineData("--initial-cluster-state", "perhaps")]
    public void A_value_that_cannot_be_read_is_named_with_its_flag(string flag, string value)
    {
        NodeFlags.Parsed parsed = Parse(flag, value);

        Assert.Null(parsed.Options);
        Assert.Contains(parsed.Errors, e => e.StartsWith($"{flag} is '{value}'", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("11")]
    [InlineData("-1")]
    public void A_leader_priority_is_one_of_eleven(string priority) =>
        Assert.Equal($"--leader-priority is {priority}; use 0 to 10.", Assert.Single(Parse("--leader-priority", priority).Errors));

    [Fact]
    public void A_member_may_join_a_cluster_of_any_size()
    {
        string[] four = ["--name", "n4", "--listen-peer-urls", "http://127.0.0.1:4", "--initial-cluster", "n1=http://127.0.0.1:1,n2=http://127.0.0.1:2,n3=http://127.0.0.1:3,n4=http://127.0.0.1:4"];

        Assert.Equal(ClusterState.Existing, Parse([.. four, "--initial-cluster-state", "existing"]).Options!.InitialClusterState);
        Assert.Contains("a cluster starts with 1, 3, 5 or 7", Assert.Single(Parse(four).Errors));
    }

    [Theory]
    [InlineData("1", 60)]
    [InlineData("10m", 10)]
    [InlineData("1h30m", 90)]
    public void Periodic_compaction_takes_hours_or_a_time(string value, int minutes) =>
        Assert.Equal(new AutoCompaction(AutoCompactionMode.Periodic, TimeSpan.FromMinutes(minutes), 0), Parse("--auto-compaction-retention", value).Options!.AutoCompaction);

    [Fact]
    public void Every_member_computes_the_same_ids()
    {
        string[] cluster = ["--initial-cluster", "n1=http://127.0.0.1:1,n2=http://127.0.0.1:2,n3=http://127.0.0.1:3"];
        ClusterIdentity[] views = [.. Enumerable.Range(1, 3).Select(i =>
            ClusterIdentity.From(Parse(["--name", $"n{i}", "--listen-peer-urls", $"http://127.0.0.1:{i}", .. cluster]).Options!))];

        Assert.Single(views.Select(v => v.ClusterId).Distinct());
        Assert.Equal(3, views.Select(v => v.Self).Distinct().Count());
        Assert.All(views, v => Assert.Equal(views[0].Members.Select(m => m.Id), v.Members.Select(m => m.Id)));
    }

    [Fact]
    public void Another_token_makes_another_cluster() =>
        Assert.NotEqual(ClusterIdentity.From(Parse().Options!).ClusterId, ClusterIdentity.From(Parse("--initial-cluster-token", "b").Options!).ClusterId);
}
