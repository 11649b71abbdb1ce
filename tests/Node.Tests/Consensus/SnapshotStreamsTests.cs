using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Conclave.Node.Consensus;
using Conclave.Node.Peers;
using Conclave.Node.Tests.Nodes;
using Conclave.Node.Tests.Peers;
using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Node.Tests.Consensus;

public sealed class SnapshotStreamsTests
{
    private static readonly NodeId Sender = new(1), Receiver = new(2), Stranger = new(7);
    private static readonly EntryId At = new(new LogIndex(5), new Term(1));
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_peer_can_be_sent_to_again_after_whatever_went_wrong()
    {
        var files = new SimulatedFileSystem(seed: 1);
        await using Member sender = new(Sender, files, [(Sender, new Uri("http://127.0.0.1:1"))]);
        sender.WriteSnapshot(At, contentBytes: 0);

        for (int i = 0; i < 200; i++)
        {
            sender.Streams.Send(Stranger, term: 1);   // nobody knows where a stranger listens
            RaftInput report = await sender.HeardAsync();
            Assert.Equal((RaftInputKind.SnapshotSendFinished, Stranger, false), (report.Kind, report.Node, report.Succeeded));
        }
    }

    [Fact]
    public async Task What_broke_off_goes_on_where_it_broke_although_a_newer_one_was_written()
    {
        const int ContentBytes = 8 << 20, BrokenAfterBytes = 3 << 20;
        Uri url = FreeUrl();
        using var way = new BreakingWay(url, BrokenAfterBytes);
        await using Member sender = new(Sender, new SimulatedFileSystem(seed: 1), [(Sender, FreeUrl()), (Receiver, way.Url)]);
        await using Member receiver = new(Receiver, new SimulatedFileSystem(seed: 2), [(Sender, FreeUrl()), (Receiver, url)]);
        receiver.Listen(url);
        sender.WriteSnapshot(At, ContentBytes);

        sender.Streams.Send(Receiver, term: 1);
        Assert.False((await sender.HeardAsync()).Succeeded);
        sender.WriteSnapshot(At with { Index = new LogIndex(9) }, ContentBytes);
        await SendUntilAcceptedAsync(sender);

        Assert.Equal(At, (await receiver.HeardAsync()).Snapshot!.Last);
        Assert.InRange(way.LastConnectionBytes, ContentBytes - BrokenAfterBytes, ContentBytes - BrokenAfterBytes / 2);

        sender.Streams.Send(Receiver, term: 1);   // and the next one is the newest
        Assert.True((await sender.HeardAsync()).Succeeded);
        Assert.Equal(9UL, (await receiver.HeardAsync()).Snapshot!.Last.Index.Value);
    }

    [Fact]
    public async Task What_broke_off_is_not_gone_on_with_when_the_log_does_not_follow_on_it_any_more()
    {
        Uri url = FreeUrl();
        using var way = new BreakingWay(url, 1 << 20);
        await using Member sender = new(Sender, new SimulatedFileSystem(seed: 1), [(Sender, FreeUrl()), (Receiver, way.Url)]);
        await using Member receiver = new(Receiver, new SimulatedFileSystem(seed: 2), [(Sender, FreeUrl()), (Receiver, url)]);
        receiver.Listen(url);
        sender.WriteSnapshot(At, 4 << 20);
        sender.Streams.Send(Receiver, term: 1);
        Assert.False((await sender.HeardAsync()).Succeeded);

        sender.WriteSnapshot(At with { Index = new LogIndex(9) }, 4 << 20);
        sender.LogBase = new LogIndex(6);
        await SendUntilAcceptedAsync(sender);

        Assert.Equal(9UL, (await receiver.HeardAsync()).Snapshot!.Last.Index.Value);
    }

    private static async Task SendUntilAcceptedAsync(Member sender)
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        do
        {
            Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(start) < Patience, "It was not accepted within 60 s.");
            sender.Streams.Send(Receiver, term: 1);
        }
        while (!(await sender.HeardAsync()).Succeeded);
    }

    private static Uri FreeUrl() => TestNode.FreeUrl();

    private sealed class Member : IAsyncDisposable
    {
        private readonly SnapshotStore _snapshots;
        private readonly PeerTransport _peers;
        private readonly Channel<RaftInput> _toCore = Channel.CreateUnbounded<RaftInput>();

        public Member(NodeId self, SimulatedFileSystem files, IReadOnlyList<(NodeId, Uri)> members)
        {
            var logger = new TestOutputLogger(self.ToString());
            _snapshots = new SnapshotStore(files, "/data");
            _peers = new PeerTransport(TestGate.Of(self, TestGate.Credentials(), members, files), TimeSpan.FromSeconds(1), new NoPeers(), new NoPeers(), ReceiveAsync, logger);
            Streams = new SnapshotStreams(_snapshots, _peers, input => _toCore.Writer.TryWrite(input), () => LogBase, logger);
        }

        public SnapshotStreams Streams { get; }

        public LogIndex LogBase { get; set; }

        public void Listen(Uri url)
        {
            _peers.Bind([url]);
            _peers.Start();
        }

        public void WriteSnapshot(EntryId last, int contentBytes)
        {
            using SnapshotWriter writer = _snapshots.Create(new SnapshotId(last, Membership.Of(Sender)));
            byte[] piece = new byte[64 << 10];
            for (int written = 0; written < contentBytes; written += piece.Length) writer.Write(piece);
            writer.Commit().Dispose();
        }

        public Task<RaftInput> HeardAsync() => _toCore.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken);

        public async ValueTask DisposeAsync()
        {
            await Streams.StopAsync();
            await _peers.DisposeAsync();
        }

        private Task ReceiveAsync(PeerHello hello, PeerConnection connection, CancellationToken cancellationToken) => Streams.ReceiveAsync(hello.From, connection, cancellationToken);
    }

    /// <summary>Passes connections on to a member. The first one breaks after so many bytes.</summary>
    private sealed class BreakingWay : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private long _lastConnectionBytes;

        public BreakingWay(Uri target, long firstBreaksAfter)
        {
            _listener.Start();
            _ = RunAsync(target, firstBreaksAfter);
        }

        public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

        public long LastConnectionBytes => Interlocked.Read(ref _lastConnectionBytes);

        public void Dispose() => _listener.Dispose();

        private async Task RunAsync(Uri target, long breaksAfter)
        {
            try
            {
                while (true)
                {
                    using Socket from = await _listener.AcceptSocketAsync();
                    using var to = new Socket(SocketType.Stream, ProtocolType.Tcp);
                    await to.ConnectAsync(IPAddress.Loopback, target.Port);
                    _lastConnectionBytes = 0;
                    Task back = PassAsync(to, from, _ => true);
                    await PassAsync(from, to, bytes => Interlocked.Add(ref _lastConnectionBytes, bytes) < breaksAfter);
                    breaksAfter = long.MaxValue;
                    to.Shutdown(SocketShutdown.Send);   // not a reset: what is on its way arrives
                    await back;
                    from.Close();
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test has ended.
            }
        }

        private static async Task PassAsync(Socket from, Socket to, Func<int, bool> goesOn)
        {
            byte[] buffer = new byte[16 << 10];
            try
            {
                while (await from.ReceiveAsync(buffer) is > 0 and int read && goesOn(read)) await PeerLink.SendAllAsync(to, buffer.AsMemory(0, read), CancellationToken.None);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // One side closed; the other one follows.
            }
        }
    }
}
