using System.Net;
using System.Net.Sockets;
using Conclave.Client;
using Conclave.Node;
using Conclave.Node.Options;
using Microsoft.Extensions.Logging.Abstractions;
using V1 = Conclave.Wire.V1;

namespace Conclave.Extensions.Tests;

/// <summary>A whole node in this process, with a configuration to ask for.</summary>
public sealed class RunningNode : IAsyncDisposable
{
    private static int _lastPort = Random.Shared.Next(100_000);   // test processes side by side begin at different places
    private readonly DirectoryInfo _directory;
    private readonly NodeOptions _options;
    private ConclaveNode? _node;

    private RunningNode(Uri clients, DirectoryInfo directory)
    {
        (Endpoint, _directory) = (clients, directory);
        _options = new NodeOptions { DataDir = Path.Combine(directory.FullName, "data"), ListenClientUrls = [clients], ListenPeerUrls = [FreeUrl()], ElectionTimeout = TimeSpan.FromMilliseconds(500) };
        Client = new ConclaveClient(new ConclaveClientOptions { Endpoints = [clients.OriginalString], RetryPatience = TimeSpan.FromSeconds(30), RequestTimeout = TimeSpan.FromSeconds(60) });
    }

    public Uri Endpoint { get; }

    public ConclaveClient Client { get; }

    /// <summary>Starts one; its configuration has the dimensions role and host, and the node c1.</summary>
    public static async Task<RunningNode> StartAsync(Uri? clients = null)
    {
        var node = new RunningNode(clients ?? FreeUrl(), Directory.CreateTempSubdirectory("conclave-test-"));
        await node.StartAgainAsync();
        var change = new V1.Change { Dimensions = new V1.DimensionsEdit { NodeDimension = "host", Dimensions = { new V1.Dimension { Name = "role" }, new V1.Dimension { Name = "host" } } } };
        change.Nodes.Add(new V1.NodeEdit { Node = "c1", Assigned = { new V1.Pair { Dimension = "role", Value = "compute" } } });
        await node.PublishAsync(change);
        return node;
    }

    /// <summary>An address that nobody listens on.</summary>
    /// <remarks>
    /// Below the ports that the system gives to outgoing connections: one of those may be taken between this look and the start of the node. Not among those of other test projects
    /// either, up to 22000 and from 24000 on: a server of theirs that is down for a moment, to be started again, would find its port taken.
    /// </remarks>
    public static Uri FreeUrl()
    {
        const int First = 22_000, Count = 2_000;
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

    /// <summary>Checks until it holds; for what takes a moment on a quiet machine and much longer on a busy one.</summary>
    public static async Task EventuallyAsync(string what, Func<Task<bool>> condition)
    {
        TimeSpan patience = TimeSpan.FromSeconds(60);
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (System.Diagnostics.Stopwatch.GetElapsedTime(start) > patience) Assert.Fail($"Not within {patience.TotalSeconds} s: {what}");
            await Task.Delay(20);
        }
    }

    public static Task EventuallyAsync(string what, Func<bool> condition) => EventuallyAsync(what, () => Task.FromResult(condition()));

    public async Task<long> PublishAsync(V1.Change change) =>
        (await Client.Configuration.PublishAsync(new V1.PublishRequest { Change = change, Author = "tester", Reason = "test" })).Release;

    /// <param name="document">The document.</param>
    /// <param name="key">The key.</param>
    /// <param name="value">JSON.</param>
    /// <param name="scope">For whom.</param>
    public Task<long> SetAsync(string document, string key, string value, string scope = "*") =>
        PublishAsync(new V1.Change { Entries = { new V1.EntryEdit { Document = document, Scope = scope, Key = key, Op = "set", Value = value } } });

    public Task<long> RemoveAsync(string document, string key, string scope = "*") =>
        PublishAsync(new V1.Change { Entries = { new V1.EntryEdit { Document = document, Scope = scope, Key = key } } });

    public async Task StopAsync()
    {
        if (_node is not null) await _node.DisposeAsync();
        _node = null;
    }

    public async Task StartAgainAsync()
    {
        _node = new ConclaveNode(_options, NullLoggerFactory.Instance, cause => Assert.Fail(cause.ToString()));
        await _node.StartAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await StopAsync();
        _directory.Delete(recursive: true);
    }
}

/// <summary>One for all tests of a class. Tests keep apart by using documents of their own.</summary>
public sealed class SharedNode : IAsyncLifetime
{
    private RunningNode? _node;

    public RunningNode Node => _node!;   // set by InitializeAsync

    public async ValueTask InitializeAsync() => _node = await RunningNode.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (_node is not null) await _node.DisposeAsync();
    }
}
