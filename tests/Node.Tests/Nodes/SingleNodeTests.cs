using System.Net;
using System.Net.Security;
using System.Text.Json;
using Conclave.Node.Options;
using Conclave.Storage;

namespace Conclave.Node.Tests.Nodes;

public sealed class SingleNodeTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    /// <summary>Whatever the umask allows: keys, values and the secret of the tokens are in there.</summary>
    [Fact]
    public async Task Nobody_else_can_read_the_data_directory()
    {
        if (OperatingSystem.IsWindows()) return;   // there are no such modes
        using var directory = new TemporaryDirectory();
        NodeOptions options = TestNode.Alone(directory) with { DataDir = Path.Combine(directory.Path, "data"), SnapshotCount = 5, ClientTls = new NodeOptions().ClientTls with { Auto = true } };
        options = options with { ListenClientUrls = [new Uri(options.ListenClientUrls[0].ToString().Replace("http:", "https:", StringComparison.Ordinal))] };
        await using (TestNode node = await TestNode.StartAsync(options, tls: new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true }))
        {
            for (int i = 0; i < 20; i++) await node.PutAsync("a", "1");
            await TestNode.EventuallyAsync("there is a snapshot", () => Task.FromResult(Directory.GetFiles(Path.Combine(options.DataDir, "member"), "snap*").Length > 0));
        }

        const UnixFileMode ForOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        foreach (string path in (string[])[options.DataDir, .. Directory.GetDirectories(options.DataDir, "*", SearchOption.AllDirectories)])
            Assert.Equal((path, ForOwner | UnixFileMode.UserExecute), (path, File.GetUnixFileMode(path)));
        string[] files = Directory.GetFiles(options.DataDir, "*", SearchOption.AllDirectories);
        Assert.True(files.Length > 4, string.Join(", ", files));
        foreach (string path in files.Where(path => new FileInfo(path).Length > 0))   // the lock says nothing
            Assert.Equal((path, ForOwner), (path, File.GetUnixFileMode(path)));
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_after_a_restart()
    {
        NodeOptions options = TestNode.Alone(_directory);
        long written;
        await using (TestNode node = await TestNode.StartAsync(options)) written = await node.PutAsync("a", "1");

        await using TestNode again = await TestNode.StartAsync(options);

        Assert.Equal("1", await again.GetAsync("a"));
        Assert.True(await again.PutAsync("b", "2") > written);
    }

    [Fact]
    public async Task Snapshots_bound_the_log_and_carry_the_state_over_a_restart()
    {
        NodeOptions options = TestNode.Alone(_directory) with { SnapshotCount = 50 };
        await using (TestNode node = await TestNode.StartAsync(options))
        {
            for (int i = 0; i < 300; i++) await node.PutAsync($"k{i % 70}", $"v{i}");
        }

        Assert.NotEmpty(Directory.GetFiles(Path.Combine(options.DataDir, "member"), "*snap*"));
        await using TestNode again = await TestNode.StartAsync(options);
        for (int key = 0; key < 70; key++) Assert.Equal($"v{key + (key < 20 ? 280 : 210)}", await again.GetAsync($"k{key}"));
    }

    [Fact]
    public async Task A_taken_port_is_named_with_the_flag_that_changes_it()
    {
        NodeOptions options = TestNode.Alone(_directory);
        await using TestNode node = await TestNode.StartAsync(options);

        PortUnavailableException problem = await Assert.ThrowsAsync<PortUnavailableException>(() =>
            TestNode.StartAsync(options with { DataDir = Path.Combine(_directory.Path, "other") }));

        Assert.Contains(options.ListenClientUrls[0].Port.ToString(System.Globalization.CultureInfo.InvariantCulture), problem.Message);
        Assert.Contains("the port is in use. Stop what uses it (ss -ltnp shows it), or choose another one with --listen-client-urls.", problem.Message);
    }

    [Fact]
    public async Task A_name_to_listen_on_that_nobody_knows_is_named_with_its_flag()
    {
        NodeOptions options = TestNode.Alone(_directory) with { ListenClientUrls = [new Uri("http://no-such-host.invalid:1")], AllowInsecureListen = true };

        PortUnavailableException problem = await Assert.ThrowsAsync<PortUnavailableException>(() => TestNode.StartAsync(options));

        Assert.Equal("cannot listen on http://no-such-host.invalid:1: the name cannot be resolved. Correct --listen-client-urls, or name the address by its number.", problem.Message);
    }

    [Fact]
    public async Task The_addresses_for_metrics_serve_what_tells_of_the_node_and_no_call()
    {
        NodeOptions options = TestNode.Alone(_directory) with { ListenMetricsUrls = [TestNode.FreeUrl()] };
        await using TestNode node = await TestNode.StartAsync(options);
        using var http = new HttpClient { BaseAddress = options.ListenMetricsUrls[0] };

        foreach (string path in (string[])["/metrics", "/health?serializable=true", "/livez", "/version"])
            Assert.Equal((path, HttpStatusCode.OK), (path, (await http.GetAsync(path, TestContext.Current.CancellationToken)).StatusCode));
        using var body = new StringContent("""{"key":"YQ==","value":"YQ=="}""");
        Assert.Equal(HttpStatusCode.NotFound, (await http.PostAsync("/v3/kv/put", body, TestContext.Current.CancellationToken)).StatusCode);
        Assert.Null(await node.GetAsync("a"));
    }

    [Fact]
    public async Task Every_series_has_a_type_and_says_what_it_is()
    {
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(_directory));
        string[] lines = (await node.GetTextAsync("/metrics")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        string[] types = [.. lines.Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2])];
        Assert.Equal(types.Length, types.Distinct().Count());
        Assert.Equal(types, lines.Where(line => line.StartsWith("# HELP ", StringComparison.Ordinal) && line.Split(' ').Length > 3).Select(line => line.Split(' ')[2]));
        foreach (string line in lines.Where(line => line[0] != '#'))
            Assert.Contains(types, type => line.StartsWith(type, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_nodes_do_not_share_a_data_directory()
    {
        NodeOptions options = TestNode.Alone(_directory);
        await using TestNode node = await TestNode.StartAsync(options);

        StorageException problem = await Assert.ThrowsAsync<StorageException>(() =>
            TestNode.StartAsync(TestNode.Alone(_directory) with { InitialAdvertisePeerUrls = options.ListenPeerUrls, ListenPeerUrls = options.ListenPeerUrls }));

        Assert.Equal(StorageErrorKind.Locked, problem.Kind);
    }

    [Fact]
    public async Task A_directory_of_another_cluster_is_refused()
    {
        NodeOptions options = TestNode.Alone(_directory);
        await using (TestNode node = await TestNode.StartAsync(options)) await node.PutAsync("a", "1");

        StorageException problem = await Assert.ThrowsAsync<StorageException>(() => TestNode.StartAsync(options with { InitialClusterToken = "other" }));

        Assert.Equal(StorageErrorKind.WrongCluster, problem.Kind);
        Assert.Contains(options.DataDir, problem.Message);
    }

    [Fact]
    public async Task A_lease_takes_its_keys_with_it_when_it_ends()
    {
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(_directory));
        (_, JsonElement grant) = await node.PostAsync("/v3/lease/grant", new { TTL = 1, ID = 77 });
        Assert.Equal("2", grant.GetProperty("TTL").GetString());
        await node.PostAsync("/v3/kv/put", new { key = TestNode.Base64("leased"), value = TestNode.Base64("x"), lease = 77 });
        Assert.Equal("x", await node.GetAsync("leased"));

        await WaitUntilAsync(async () => await node.GetAsync("leased") is null);

        (_, JsonElement left) = await node.PostAsync("/v3/lease/timetolive", new { ID = 77 });
        Assert.Equal("-1", left.GetProperty("TTL").GetString());
    }

    [Theory]
    [InlineData("/v3/kv/put", """{"value":"YQ=="}""", HttpStatusCode.BadRequest, "etcdserver: key is not provided")]
    [InlineData("/v3/kv/put", """{"key":"YQ==","lease":99}""", HttpStatusCode.NotFound, "etcdserver: requested lease not found")]
    [InlineData("/v3/kv/range", """{"key":"YQ==","revision":99}""", HttpStatusCode.BadRequest, "etcdserver: mvcc: required revision is a future revision")]
    [InlineData("/v3/kv/compaction", """{"revision":99}""", HttpStatusCode.BadRequest, "etcdserver: mvcc: required revision is a future revision")]
    [InlineData("/v3/lease/revoke", """{"ID":99}""", HttpStatusCode.NotFound, "etcdserver: requested lease not found")]
    [InlineData("/v3/lease/grant", """{"TTL":9000000001}""", HttpStatusCode.BadRequest, "etcdserver: too large lease TTL")]
    public async Task Bad_requests_get_the_words_that_clients_know(string path, string body, HttpStatusCode status, string message)
    {
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(_directory));

        (HttpStatusCode answered, JsonElement answer) = await node.PostAsync(path, JsonDocument.Parse(body).RootElement);

        Assert.Equal((status, message), (answered, answer.GetProperty("message").GetString()));
    }

    [Fact]
    public async Task A_request_above_the_limit_is_refused_and_changes_nothing()
    {
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(_directory) with { MaxRequestBytes = 4096 });
        long before = await node.PutAsync("a", "1");

        (_, JsonElement answer) = await node.PostAsync("/v3/kv/put", new { key = TestNode.Base64("b"), value = TestNode.Base64(new string('x', 5000)) });

        Assert.Equal("etcdserver: request is too large", answer.GetProperty("message").GetString());
        Assert.Equal(before + 1, await node.PutAsync("a", "2"));
    }

    [Fact]
    public async Task Above_the_quota_writes_are_refused_and_reads_and_deletes_go_on()
    {
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(_directory) with { QuotaBackendBytes = 20_000 });
        HttpStatusCode status = HttpStatusCode.OK;
        await WaitUntilAsync(async () =>
        {
            (status, _) = await node.PostAsync("/v3/kv/put", new { key = TestNode.Base64($"k{Guid.NewGuid()}"), value = TestNode.Base64(new string('x', 1000)) });
            return status != HttpStatusCode.OK;
        });

        Assert.Equal(HttpStatusCode.TooManyRequests, status);
        HttpRequestException unhealthy = await Assert.ThrowsAsync<HttpRequestException>(() => node.GetTextAsync("/health"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, unhealthy.StatusCode);
        (status, _) = await node.PostAsync("/v3/kv/deleterange", new { key = TestNode.Base64("k"), range_end = TestNode.Base64("l") });
        Assert.Equal(HttpStatusCode.OK, status);
    }

    [Fact]
    public async Task Health_version_and_metrics_are_served()
    {
        await using TestNode node = await TestNode.StartAsync(TestNode.Alone(_directory));
        await node.PutAsync("a", "1");

        Assert.Equal("""{"health":"true","reason":""}""", await node.GetTextAsync("/health"));
        Assert.Equal("ok\n", await node.GetTextAsync("/livez"));
        Assert.Contains("[+]linearizable_read ok", await node.GetTextAsync("/readyz?verbose"));
        Assert.Contains("\"etcdserver\":\"3.", await node.GetTextAsync("/version"));
        string metrics = await node.GetTextAsync("/metrics");
        Assert.Contains("etcd_server_has_leader 1", metrics);
        Assert.Contains("grpc_server_handled_total{grpc_type=\"unary\",grpc_service=\"etcdserverpb.KV\",grpc_method=\"Put\",grpc_code=\"OK\"} 1", metrics);
    }

    private static async Task WaitUntilAsync(Func<Task<bool>> condition)
    {
        for (int tries = 0; tries < 3_000; tries++)
        {
            if (await condition()) return;
            await Task.Delay(10, TestContext.Current.CancellationToken);   // without it the bound is a matter of how fast the machine is
        }

        Assert.Fail("It did not happen within the bound of tries.");
    }
}
