using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Node.Tests.Peers;

/// <summary>Two members that greet each other over real sockets: this one is 1, the transport under test is 2.</summary>
public sealed class PeerConnectionTests : IAsyncLifetime
{
    private static readonly NodeId Caller = new(1), Callee = new(2);
    private readonly Uri _url = FreeUrl();
    private readonly Guid _incarnation = Guid.NewGuid();
    private readonly PeerTransport _callee;
    private readonly KnownIncarnations _callerKnows;

    public PeerConnectionTests()
    {
        ClusterIdentity cluster = Cluster(Callee);
        _callerKnows = Known(Cluster(Caller));
        _callee = new PeerTransport(cluster, _incarnation, Known(cluster), new Nobody(), new Nobody(), (_, _, _) => Task.CompletedTask, NullLogger.Instance);
    }

    public ValueTask InitializeAsync()
    {
        _callee.Bind([_url]);
        _callee.Start();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => _callee.DisposeAsync();

    [Fact]
    public async Task A_new_message_connection_closes_the_one_before_it()
    {
        Guid mine = Guid.NewGuid();
        using Socket first = await DialAsync(mine);
        using Socket second = await DialAsync(mine);

        Assert.True(await IsClosedAsync(first));
        Assert.False(second.Poll(0, SelectMode.SelectRead));
    }

    [Fact]
    public async Task A_caller_with_another_directory_than_before_is_refused_and_told_why()
    {
        using Socket first = await DialAsync(Guid.NewGuid());

        PeerRefusedException refusal = await Assert.ThrowsAsync<PeerRefusedException>(() => DialAsync(Guid.NewGuid()));

        Assert.Contains("refused: member n1", refusal.Message);
        Assert.EndsWith("--forget-member-disk n1", refusal.Message);
    }

    [Fact]
    public async Task A_callee_with_another_directory_than_before_is_not_talked_to()
    {
        Assert.Empty(_callerKnows.Objection(Callee, Guid.NewGuid()));

        PeerRefusedException refusal = await Assert.ThrowsAsync<PeerRefusedException>(() => DialAsync(Guid.NewGuid()));

        Assert.StartsWith("member n2", refusal.Message);
    }

    [Fact]
    public async Task A_caller_remembers_the_directory_of_the_callee()
    {
        using Socket first = await DialAsync(Guid.NewGuid());

        Assert.Empty(_callerKnows.Objection(Callee, _incarnation));
        Assert.NotEmpty(_callerKnows.Objection(Callee, Guid.NewGuid()));
    }

    [Fact]
    public async Task Both_ends_notice_a_host_that_vanished()
    {
        using Socket socket = await DialAsync(Guid.NewGuid());

        Assert.Equal(1, (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive)!);
        byte[] milliseconds = new byte[4];
        if (OperatingSystem.IsLinux()) socket.GetRawSocketOption(6, 18, milliseconds);
        Assert.Equal(OperatingSystem.IsLinux() ? 5_000 : 0, BitConverter.ToInt32(milliseconds));
    }

    /// <summary>Waits for the end: an orderly one, or a reset, which is what closing under a pending read causes.</summary>
    private static async Task<bool> IsClosedAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1], SocketFlags.None, TestContext.Current.CancellationToken) == 0;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }

    private Task<Socket> DialAsync(Guid incarnation) =>
        PeerLink.DialAsync(_url, new PeerHello(PeerConnectionKind.Messages, 7, Caller, Callee, incarnation), _callerKnows, TestContext.Current.CancellationToken);

    private static KnownIncarnations Known(ClusterIdentity cluster) =>
        KnownIncarnations.Open(new SimulatedFileSystem(seed: 1), "/data/member", cluster, [], NullLogger.Instance);

    private static ClusterIdentity Cluster(NodeId self) =>
        new(7, self, ImmutableArray.Create(new ClusterMember(Caller, "n1", [FreeUrl()]), new ClusterMember(Callee, "n2", [FreeUrl()])));

    private static Uri FreeUrl()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return new Uri($"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}");
    }

    private sealed class Nobody : IPeerHandler, IPeerLinkHandler
    {
        public bool OnFrame(NodeId from, PeerFrameKind kind, ReadOnlyMemory<byte> body) => true;

        public void OnFramesEnd(NodeId from)
        {
        }

        public void OnLink(NodeId peer, bool up)
        {
        }
    }
}
