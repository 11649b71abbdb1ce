using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Conclave.Node.Http;
using Conclave.Node.Options;
using Conclave.Storage;

namespace Conclave.Node.Tests.Nodes;

/// <summary>A whole node in this process, on ports of its own, talked to as a client would.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);   // for a machine that is busy with something else

    /// <summary>Names as they stand: etcd's JSON has TTL and ID in capitals.</summary>
    private static readonly JsonSerializerOptions AsWritten = new() { PropertyNamingPolicy = null };

    private readonly HttpClient _http;
    private readonly ConclaveNode _node;
    private readonly TestOutputLogger _logger;

    private TestNode(NodeOptions options, IFileSystem files, SslClientAuthenticationOptions? tls)
    {
        Options = options;
        _logger = new TestOutputLogger(options.Name);
        _node = new ConclaveNode(options, files, _logger, cause => Fatal = cause);
        _http = new HttpClient(new SocketsHttpHandler { SslOptions = tls ?? new SslClientAuthenticationOptions() }) { BaseAddress = options.ListenClientUrls[0], Timeout = Patience };
    }

    public NodeOptions Options { get; }

    /// <summary>What it has logged since this start, audit included.</summary>
    public string[] LogLines => [.. _logger.Lines];

    public IReadOnlyList<RpcMethod> Methods => _node.Methods;

    /// <summary>Checks until it holds; for what takes a moment on a quiet machine and much longer on a busy one.</summary>
    public static async Task EventuallyAsync(string what, Func<Task<bool>> condition)
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (System.Diagnostics.Stopwatch.GetElapsedTime(start) > Patience) Assert.Fail($"Not within {Patience.TotalSeconds} s: {what}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    public Exception? Fatal { get; private set; }

    /// <param name="options">Flags.</param>
    /// <param name="files">The disk; null is the real one.</param>
    /// <param name="tls">What this test's own client connects with, where the address is https.</param>
    public static async Task<TestNode> StartAsync(NodeOptions options, IFileSystem? files = null, SslClientAuthenticationOptions? tls = null)
    {
        var node = new TestNode(options, files ?? new PosixFileSystem(), tls);
        try
        {
            await node._node.StartAsync(TestContext.Current.CancellationToken);
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>A node alone, in a new directory.</summary>
    public static NodeOptions Alone(TemporaryDirectory directory) => new()
    {
        DataDir = directory.Path,
        ListenClientUrls = [FreeUrl()],
        ListenPeerUrls = [FreeUrl()],
    };

    /// <summary>Options for all members of a cluster.</summary>
    public static NodeOptions[] Cluster(int members, TemporaryDirectory directory)
    {
        InitialMember[] initial = [.. Enumerable.Range(1, members).Select(i => new InitialMember($"n{i}", [FreeUrl()]))];
        return
        [
            .. initial.Select(member => new NodeOptions
            {
                Name = member.Name,
                DataDir = System.IO.Path.Combine(directory.Path, member.Name),
                ListenClientUrls = [FreeUrl()],
                ListenPeerUrls = member.PeerUrls,
                InitialCluster = initial,
            }),
        ];
    }

    /// <summary>Options for one more member of a cluster that runs.</summary>
    public static NodeOptions Joiner(string name, TemporaryDirectory directory, IEnumerable<NodeOptions> members)
    {
        Uri peerUrl = FreeUrl();
        NodeOptions[] all = [.. members];
        return all[0] with
        {
            Name = name,
            DataDir = System.IO.Path.Combine(directory.Path, name),
            ListenClientUrls = [FreeUrl()],
            ListenPeerUrls = [peerUrl],
            InitialClusterState = ClusterState.Existing,
            InitialCluster = [.. all.Select(m => new InitialMember(m.Name, m.InitialAdvertisePeerUrls)), new InitialMember(name, [peerUrl])],
        };
    }

    /// <summary>A JSON call; the answer whatever its status.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(string path, object body)
    {
        using HttpResponseMessage response = await _http.PostAsJsonAsync(path, body, AsWritten, TestContext.Current.CancellationToken);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return (response.StatusCode, JsonDocument.Parse(text.Length == 0 ? "null" : text).RootElement);
    }

    public async Task<long> PutAsync(string key, string value)
    {
        (HttpStatusCode status, JsonElement body) = await PostAsync("/v3/kv/put", new { key = Base64(key), value = Base64(value) });
        Assert.Equal(HttpStatusCode.OK, status);
        return Revision(body);
    }

    /// <returns>Null when there is no such key.</returns>
    public async Task<string?> GetAsync(string key, bool serializable = false)
    {
        (HttpStatusCode status, JsonElement body) = await PostAsync("/v3/kv/range", new { key = Base64(key), serializable });
        Assert.Equal(HttpStatusCode.OK, status);
        return body.TryGetProperty("kvs", out JsonElement kvs) ? Encoding.UTF8.GetString(kvs[0].GetProperty("value").GetBytesFromBase64()) : null;
    }

    public async Task<string> GetTextAsync(string path) => await _http.GetStringAsync(path, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _node.DisposeAsync();
    }

    public static long Revision(JsonElement body) => long.Parse(body.GetProperty("header").GetProperty("revision").GetString()!, System.Globalization.CultureInfo.InvariantCulture);

    public static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    /// <summary>A loopback address that nobody listens on.</summary>
    /// <remarks>
    /// Below the ports that the system gives to outgoing connections: one of those may be taken between this look and the start of the node. Below those of other test projects
    /// too, from 22000 on: a server of theirs that is down for a moment, to be started again, would find its port taken.
    /// </remarks>
    internal static Uri FreeUrl()
    {
        const int First = 10_000, Count = 12_000;
        while (true)
        {
            int port = First + (int)((uint)Interlocked.Increment(ref _lastPort) % Count);
            try
            {
                using var probe = new TcpListener(IPAddress.Loopback, port);
                probe.Start();
                return new Uri($"http://127.0.0.1:{port}");
            }
            catch (SocketException)
            {
                // Taken; the next one.
            }
        }
    }

    private static int _lastPort = Random.Shared.Next(100_000);   // test processes side by side begin at different places
}

/// <summary>A directory that is gone after the test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("conclave-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
