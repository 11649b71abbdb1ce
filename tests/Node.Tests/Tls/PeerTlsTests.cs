using System.Net.Sockets;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Node.Tests.Http;
using Conclave.Node.Tests.Nodes;
using Conclave.Node.Tests.Peers;
using Conclave.Node.Tls;
using Conclave.Raft;

namespace Conclave.Node.Tests.Tls;

/// <summary>Two members that greet each other over TLS: 1 calls, 2 is called.</summary>
public sealed class PeerTlsTests : IDisposable
{
    private static readonly NodeId Caller = new(1), Callee = new(2);

    private readonly TemporaryDirectory _directory = new();
    private readonly TestAuthority _authority, _stranger;
    private readonly CapturedLog _log = new();

    public PeerTlsTests() => (_authority, _stranger) = (new TestAuthority(_directory.Path), new TestAuthority(_directory.Path, "stranger"));

    public void Dispose()
    {
        _authority.Dispose();
        _stranger.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Members_of_one_authority_talk_and_frames_arrive()
    {
        var frames = new FrameCounter();
        Uri url = Secure();
        await using PeerTransport callee = Listen(url, Member("n2"), frames);
        await using PeerTransport caller = Listen(null, Member("n1"), new FrameCounter(), to: url);

        await TestNode.EventuallyAsync("the link is up", () => Task.FromResult(caller.All.All(link => link.IsUp)));
        byte[] large = new byte[3 << 20];
        for (int i = 0; i < 8; i++) Assert.True(caller.Send(Callee, PeerFrameKind.Call, 1, 0, large));

        await TestNode.EventuallyAsync("all frames arrive", () => Task.FromResult(frames.Bytes > 8L * large.Length));
        Assert.True(callee.All.Sum(link => link.ReceivedBytes) > 8L * large.Length);
        Assert.Equal(0, callee.RefusedTlsCount);
    }

    [Theory]
    [InlineData("none", "it showed no certificate")]
    [InlineData("stranger", "does not lead to an authority in --peer-trusted-ca-file")]
    [InlineData("expired", "and not now")]
    [InlineData("name", "has a common name that --peer-cert-allowed-cn does not allow")]
    public async Task A_caller_whose_certificate_is_not_let_in_is_told_why_and_the_callee_says_it_too(string kind, string expected)
    {
        Uri url = Secure();
        await using PeerTransport callee = Listen(url, Member("n2") with { AllowedNames = ["n1", "n2"] });
        Issued? own = kind switch
        {
            "none" => null,
            "stranger" => _stranger.Issue("n1"),
            "expired" => _authority.Issue("n1", goodForDays: -1),
            _ => _authority.Issue("mallory"),
        };

        PeerRefusedException refused = await Assert.ThrowsAsync<PeerRefusedException>(() => DialAsync(url, new TlsOptions { Prefix = "peer-", TrustedCaFile = _authority.CertFile, CertFile = own?.CertFile, KeyFile = own?.KeyFile }));

        Assert.Contains(expected, refused.Message);
        await LoggedAsync(expected);
        Assert.Equal(1, callee.RefusedTlsCount);
    }

    [Fact]
    public async Task A_callee_whose_certificate_is_not_trusted_is_not_talked_to()
    {
        Uri url = Secure();
        await using PeerTransport callee = Listen(url, Member("n2"));

        IOException refused = await Assert.ThrowsAsync<IOException>(() => DialAsync(url, Member("n1") with { TrustedCaFile = _stranger.CertFile }));

        Assert.Contains("does not lead to an authority in --peer-trusted-ca-file", refused.Message);
        Assert.Contains("Check --peer-trusted-ca-file", refused.Message);
    }

    [Fact]
    public async Task A_callee_is_reached_only_under_a_host_that_its_certificate_names()
    {
        Uri url = Secure();
        await using PeerTransport callee = Listen(url, Member("n2", ["n2.example.com"]));

        IOException refused = await Assert.ThrowsAsync<IOException>(() => DialAsync(url, Member("n1")));

        Assert.Contains("made out to other hosts", refused.Message);
    }

    [Fact]
    public async Task A_caller_in_the_clear_is_told_that_tls_is_spoken_here()
    {
        Uri url = Secure();
        await using PeerTransport callee = Listen(url, Member("n2"));

        PeerRefusedException refused = await Assert.ThrowsAsync<PeerRefusedException>(() => DialAsync(new UriBuilder(url) { Scheme = "http" }.Uri, null));

        Assert.Contains("this peer address speaks TLS, and the caller does not", refused.Message);
        await LoggedAsync("this peer address speaks TLS, and the caller does not");
    }

    [Fact]
    public async Task A_caller_that_speaks_tls_to_an_address_in_the_clear_hears_that_it_is_not_spoken_there()
    {
        Uri url = TestNode.FreeUrl();
        await using PeerTransport callee = Listen(url, null);

        IOException refused = await Assert.ThrowsAsync<IOException>(() => DialAsync(new UriBuilder(url) { Scheme = "https" }.Uri, Member("n1")));

        Assert.Contains("it does not speak TLS", refused.Message);
        await LoggedAsync("this peer address does not speak TLS, and the caller does");
    }

    [Fact]
    public async Task A_member_may_listen_with_tls_and_without_while_the_others_move()
    {
        Uri secure = Secure(), clear = TestNode.FreeUrl();
        await using PeerTransport callee = Listen(secure, Member("n2"), also: clear);

        using PeerConnection old = await DialAsync(clear, null);
        ClusterIdentity told = await Introduction.AskAsync(secure, Open(Member("n1")), TestContext.Current.CancellationToken);

        Assert.Null(old.Tls);
        Assert.Equal(2, told.Members.Length);
    }

    [Fact]
    public async Task A_refused_caller_leaves_no_trace_in_what_is_remembered()
    {
        Uri url = Secure();
        await using PeerTransport callee = Listen(url, Member("n2"));
        Issued bad = _stranger.Issue("n1");
        await Assert.ThrowsAsync<PeerRefusedException>(() => DialAsync(url, Member("n1") with { CertFile = bad.CertFile, KeyFile = bad.KeyFile }));

        // The first directory that a member comes with is taken as it is: it must not be the stranger's.
        using PeerConnection member = await DialAsync(url, Member("n1"));
    }

    [Fact]
    public async Task Somebody_who_only_looks_whether_the_port_is_open_is_not_worth_a_line()
    {
        Uri url = Secure();
        await using PeerTransport callee = Listen(url, Member("n2"));
        using (var probe = new TcpClient()) await probe.ConnectAsync("127.0.0.1", url.Port, TestContext.Current.CancellationToken);
        using PeerConnection member = await DialAsync(url, Member("n1"));

        Assert.DoesNotContain(_log.Lines, line => line.Contains("Refused a peer"));
    }

    private static Uri Secure() => RealClientTlsTests.Secure(TestNode.FreeUrl());

    private TlsOptions Member(string name, string[]? hosts = null)
    {
        Issued own = _authority.Issue(name, hosts);
        return new TlsOptions { Prefix = "peer-", CertFile = own.CertFile, KeyFile = own.KeyFile, TrustedCaFile = _authority.CertFile, CertAuth = true };
    }

    private TlsSide? Open(TlsOptions? options) => options is null ? null : TlsSide.Open(options, [], new NodeOptions(), TimeProvider.System, _log);

    private PeerTransport Listen(Uri? url, TlsOptions? tls, IPeerHandler? handler = null, Uri? to = null, Uri? also = null)
    {
        NodeId self = to is null ? Callee : Caller;
        PeerGate gate = TestGate.Of(self, TestGate.Credentials(), [(Caller, TestNode.FreeUrl()), (Callee, url ?? to!)], tls: Open(tls));   // not null: one of the two is given
        var transport = new PeerTransport(gate, TimeSpan.FromMinutes(1), handler ?? new NoPeers(), new NoPeers(), (_, _, _) => Task.CompletedTask, _log);
        if (url is not null) transport.Bind(also is null ? [url] : [url, also]);
        transport.Start();
        return transport;
    }

    private Task<PeerConnection> DialAsync(Uri url, TlsOptions? tls)
    {
        PeerGate gate = TestGate.Of(Caller, TestGate.Credentials(), [(Caller, TestNode.FreeUrl()), (Callee, url)], tls: Open(tls));
        return PeerLink.DialAsync(url, gate.Hello(PeerConnectionKind.Messages, Callee), gate, TestContext.Current.CancellationToken);
    }

    private Task LoggedAsync(string expected) =>
        TestNode.EventuallyAsync($"the callee says '{expected}'", () => Task.FromResult(_log.Lines.Any(line => line.Contains("Refused a peer connection") && line.Contains(expected))));

    private sealed class FrameCounter : IPeerHandler
    {
        private long _bytes;

        public long Bytes => Interlocked.Read(ref _bytes);

        public bool OnFrame(NodeId from, PeerFrameKind kind, ReadOnlyMemory<byte> body)
        {
            Interlocked.Add(ref _bytes, body.Length);
            return true;
        }

        public void OnFramesEnd(NodeId from)
        {
        }
    }
}
