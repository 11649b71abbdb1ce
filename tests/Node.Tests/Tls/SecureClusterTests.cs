using System.Net;
using System.Text.Json;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Tls;

/// <summary>Whole nodes with mutual TLS between them and towards clients.</summary>
public sealed class SecureClusterTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly TestAuthority _authority, _next;

    public SecureClusterTests() => (_authority, _next) = (new TestAuthority(_directory.Path), new TestAuthority(_directory.Path, "next"));

    public void Dispose()
    {
        _authority.Dispose();
        _next.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Three_members_with_mutual_tls_serve_and_a_fourth_joins_with_a_snapshot()
    {
        NodeOptions[] options = [.. TestNode.Cluster(3, _directory).Select(o => Secured(o) with { SnapshotCount = 20 })];
        List<TestNode> nodes = [.. await Task.WhenAll(options.Select(StartAsync))];
        try
        {
            for (int i = 0; i < 100; i++) await nodes[0].PutAsync("k", $"{i}");
            NodeOptions fourth = Secured(TestNode.Joiner("n4", _directory, options));
            (HttpStatusCode status, JsonElement added) = await nodes[1].PostAsync("/v3/cluster/member/add", new { peerURLs = fourth.ListenPeerUrls.Select(NodeOptions.Plain) });
            Assert.True(status == HttpStatusCode.OK, added.GetRawText());
            nodes.Add(await StartAsync(fourth));

            await TestNode.EventuallyAsync("the fourth has the state", async () =>
                (await nodes[3].PostAsync("/v3/kv/range", new { key = TestNode.Base64("k"), serializable = true })).Body.TryGetProperty("kvs", out JsonElement kvs)
                && kvs[0].GetProperty("value").GetString() == TestNode.Base64("99"));
            string metrics = "";
            await TestNode.EventuallyAsync("the fourth has connected to all", async () => ActivePeers(metrics = await nodes[3].GetTextAsync("/metrics")) == 3);
            Assert.Contains("conclave_peer_refused_total{reason=\"tls\"} 0", metrics);
            Assert.Contains("conclave_tls_certificate_expiry_seconds{side=\"peers\"} ", metrics);
        }
        finally
        {
            foreach (TestNode node in nodes) await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_authority_of_a_running_cluster_can_be_replaced_member_by_member()
    {
        // First everybody trusts both, then the certificates are issued anew, then the former authority goes. Nothing is restarted.
        NodeOptions[] options = [.. TestNode.Cluster(3, _directory).Select(o => Secured(o, authority: Copy("trusted.pem", _authority.CertFile)))];
        TestNode[] nodes = await Task.WhenAll(options.Select(StartAsync));
        try
        {
            await nodes[0].PutAsync("k", "before");
            await File.WriteAllTextAsync(Path.Combine(_directory.Path, "trusted.pem"), File.ReadAllText(_authority.CertFile) + File.ReadAllText(_next.CertFile), TestContext.Current.CancellationToken);
            await Task.Delay(TimeSpan.FromSeconds(1.1), TestContext.Current.CancellationToken);   // files are looked at once a second
            foreach (NodeOptions one in options)
            {
                Issued renewed = _next.Issue(one.Name);
                File.Copy(renewed.CertFile, one.PeerTls.CertFile!, overwrite: true);
                File.Copy(renewed.KeyFile, one.PeerTls.KeyFile!, overwrite: true);
            }

            await Task.Delay(TimeSpan.FromSeconds(1.1), TestContext.Current.CancellationToken);
            // A member that comes back makes all its connections anew, in both directions.
            await nodes[2].DisposeAsync();
            nodes[2] = await StartAsync(options[2]);
            await TestNode.EventuallyAsync("the member is back", async () => ActivePeers(await nodes[2].GetTextAsync("/metrics")) == 2);
            await TestNode.EventuallyAsync("it reads", async () => await TryGetAsync(nodes[2], "k") == "before");
        }
        finally
        {
            foreach (TestNode node in nodes) await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_member_whose_certificate_is_not_trusted_cannot_join_and_says_why()
    {
        NodeOptions[] options = [.. TestNode.Cluster(1, _directory).Select(o => Secured(o))];
        await using TestNode node = await StartAsync(options[0]);
        NodeOptions stranger = Secured(TestNode.Joiner("n2", _directory, options));
        Issued bad = _next.Issue("n2");

        string said = "";
        foreach (int seconds in (int[])[1, 20])   // on a busy machine nobody may have answered within the first
        {
            said = (await Assert.ThrowsAsync<JoinRefusedException>(() => Joining.AskAsync(
                stranger with { PeerTls = stranger.PeerTls with { CertFile = bad.CertFile, KeyFile = bad.KeyFile } }, TimeSpan.FromSeconds(seconds), new TestOutputLogger("n2")))).Message;
            if (said.Contains("authority", StringComparison.Ordinal)) break;
        }

        Assert.Contains("does not lead to an authority in --peer-trusted-ca-file", said);
    }

    [Fact]
    public async Task Members_encrypt_with_certificates_of_their_own_when_they_are_told_to()
    {
        NodeOptions[] options = [.. TestNode.Cluster(3, _directory).Select(o => Secured(o) with { PeerTls = new TlsOptions { Prefix = "peer-", Auto = true } })];
        TestNode[] nodes = await Task.WhenAll(options.Select(StartAsync));
        try
        {
            await nodes[1].PutAsync("k", "v");
            Assert.True(File.Exists(Path.Combine(options[0].DataDir, "fixtures", "peer", "cert.pem")));
        }
        finally
        {
            foreach (TestNode node in nodes) await node.DisposeAsync();
        }
    }

    private static int ActivePeers(string metrics) =>
        metrics.Split('\n').Count(line => line.StartsWith("etcd_network_active_peers{", StringComparison.Ordinal) && line.EndsWith("} 1", StringComparison.Ordinal));

    private static async Task<string?> TryGetAsync(TestNode node, string key)
    {
        (HttpStatusCode status, JsonElement body) = await node.PostAsync("/v3/kv/range", new { key = TestNode.Base64(key) });
        return status == HttpStatusCode.OK && body.TryGetProperty("kvs", out JsonElement kvs)
            ? System.Text.Encoding.UTF8.GetString(kvs[0].GetProperty("value").GetBytesFromBase64()) : null;
    }

    private Task<TestNode> StartAsync(NodeOptions options) => TestNode.StartAsync(options, tls: _authority.Client(_authority.Issue("client-of-" + options.Name)));

    /// <summary>The same with https everywhere.</summary>
    private NodeOptions Secured(NodeOptions options, string? authority = null)
    {
        Issued peer = _authority.Issue(options.Name), server = _authority.Issue("server-" + options.Name);
        return options with
        {
            ListenClientUrls = [.. options.ListenClientUrls.Select(RealClientTlsTests.Secure)],
            ListenPeerUrls = [.. options.ListenPeerUrls.Select(RealClientTlsTests.Secure)],
            InitialCluster = [.. options.InitialCluster.Select(m => m with { PeerUrls = [.. m.PeerUrls.Select(RealClientTlsTests.Secure)] })],
            ClientTls = new TlsOptions { Prefix = "", CertFile = server.CertFile, KeyFile = server.KeyFile, TrustedCaFile = _authority.CertFile, CertAuth = true },
            PeerTls = new TlsOptions { Prefix = "peer-", CertFile = peer.CertFile, KeyFile = peer.KeyFile, TrustedCaFile = authority ?? _authority.CertFile, CertAuth = true },
        };
    }

    private string Copy(string file, string from)
    {
        string path = Path.Combine(_directory.Path, file);
        File.Copy(from, path, overwrite: true);
        return path;
    }
}
