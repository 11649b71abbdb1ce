using System.Diagnostics;
using System.Text;
using Conclave.Node.Options;
using Conclave.Node.Tests.Nodes;

namespace Conclave.Node.Tests.Tls;

/// <summary>Clients that somebody else wrote, against a whole node that speaks TLS. Skipped, with what to install, where they are missing.</summary>
public sealed class RealClientTlsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly TestAuthority _authority;
    private readonly Issued _alice;

    public RealClientTlsTests()
    {
        _authority = new TestAuthority(_directory.Path);
        _alice = _authority.Issue("alice", forClientsOnly: true);
    }

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Etcdctl_works_with_a_certificate_and_is_refused_without()
    {
        await using TestNode node = await StartAsync();
        string[] trusting = ["--endpoints", Url(node), "--cacert", _authority.CertFile];
        string[] own = ["--cert", _alice.CertFile, "--key", _alice.KeyFile];

        Assert.Equal("OK\n", await RunAsync("etcdctl", [.. trusting, .. own, "put", "foo", "bar"]));
        Assert.Equal("foo\nbar\n", await RunAsync("etcdctl", [.. trusting, .. own, "get", "foo"]));
        await RunAsync("etcdctl", [.. trusting, "--command-timeout=1s", "--dial-timeout=1s", "get", "foo"], fails: true);
        Assert.Equal("foo\nbar\n", await RunAsync("etcdctl", ["--endpoints", Url(node), .. own, "--insecure-skip-tls-verify", "--insecure-transport=false", "get", "foo"]));
    }

    [Fact]
    public async Task Curl_speaks_to_the_gateway_over_https()
    {
        await using TestNode node = await StartAsync();
        string[] own = ["-sS", "--max-time", "20", "--cacert", _authority.CertFile, "--cert", _alice.CertFile, "--key", _alice.KeyFile];
        await node.PutAsync("foo", "bar");

        foreach (string version in (string[])["--http1.1", "--http2"])
            Assert.Contains("\"value\":\"YmFy\"", await RunAsync("curl", [.. own, version, "-d", """{"key":"Zm9v"}""", Url(node) + "/v3/kv/range"]));
        Assert.Contains("conclave_client_refused_total{reason=\"certificate\"} 0", await RunAsync("curl", [.. own, Url(node) + "/metrics"]));
        await RunAsync("curl", ["-sS", "--max-time", "20", "--cacert", _authority.CertFile, Url(node) + "/health"], fails: true);
        Assert.Contains("conclave_client_refused_total{reason=\"certificate\"} 1", await RunAsync("curl", [.. own, Url(node) + "/metrics"]));
    }

    [Fact]
    public async Task A_node_makes_its_own_certificate_when_it_is_told_to()
    {
        Uri url = Secure(TestNode.FreeUrl());
        NodeOptions options = TestNode.Alone(_directory) with { ListenClientUrls = [url], ClientTls = new TlsOptions { Prefix = "", Auto = true } };
        string made = Path.Combine(options.DataDir, "fixtures", "client", "cert.pem");
        await using (await TestNode.StartAsync(options))
        {
            Assert.Equal("OK\n", await RunAsync("etcdctl", ["--endpoints", NodeOptions.Plain(url), "--cacert", made, "put", "a", "b"]));
        }

        string first = File.ReadAllText(made);
        await using (await TestNode.StartAsync(options))
        {
            Assert.Equal("a\nb\n", await RunAsync("etcdctl", ["--endpoints", NodeOptions.Plain(url), "--cacert", made, "get", "a"]));
        }

        Assert.Equal(first, File.ReadAllText(made));
    }

    private Task<TestNode> StartAsync()
    {
        Issued server = _authority.Issue("server");
        return TestNode.StartAsync(TestNode.Alone(_directory) with
        {
            ListenClientUrls = [Secure(TestNode.FreeUrl())],
            ClientTls = new TlsOptions { Prefix = "", CertFile = server.CertFile, KeyFile = server.KeyFile, CertAuth = true, TrustedCaFile = _authority.CertFile },
        }, tls: _authority.Client(_alice));
    }

    internal static Uri Secure(Uri url) => new UriBuilder(url) { Scheme = "https" }.Uri;

    private static string Url(TestNode node) => NodeOptions.Plain(node.Options.ListenClientUrls[0]);

    private static async Task<string> RunAsync(string program, string[] arguments, bool fails = false)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8 };
        start.Environment["ETCDCTL_API"] = "3";
        Process? started = null;
        try
        {
            started = Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip($"{program} is not installed: apt-get install {(program == "curl" ? "curl" : "etcd-client")}");
        }

        using Process process = started!;   // not null: no shell is involved
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        Task<string> output = process.StandardOutput.ReadToEndAsync(patience.Token), error = process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        Assert.True(process.ExitCode != 0 == fails, $"{program} ended with {process.ExitCode}: {await output}{await error}");
        return await output;
    }
}
