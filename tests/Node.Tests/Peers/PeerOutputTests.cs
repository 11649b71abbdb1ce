using System.Net;
using System.Net.Sockets;
using Conclave.Node.Peers;
using Conclave.Raft;

namespace Conclave.Node.Tests.Peers;

public class PeerOutputTests
{
    private static readonly NodeId Self = new(1), Peer = new(2);

    /// <summary>
    /// Elsewhere a sender waited for room in a full queue while the answers that would have made room waited for the sender, and heartbeats, which went another way, hid it. Here nobody
    /// waits, heartbeats share the queue, and what was dropped is told.
    /// </summary>
    [Fact]
    public async Task Bug_40_A_queue_that_a_stuck_member_has_filled_blocks_nobody_and_takes_frames_again_once_it_is_read()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        CancellationToken cancellationToken = limit.Token;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await sender.ConnectAsync(listener.LocalEndpoint, cancellationToken);
        using Socket receiver = await listener.AcceptSocketAsync(cancellationToken);
        var output = new PeerOutput(new PeerConnection(sender));

        // It does not read: the socket fills up, then the queue. Each call returns.
        AppendRequest append = Append(bytes: 1 << 20);
        int sent = 0;
        for (; output.DroppedFrames == 0 && sent < 4 * PeerOutput.WaitingBytesMax >> 20; sent++)
        {
            output.Enqueue(append);
            output.Flush();
        }
        Assert.Equal(1, output.DroppedFrames);
        output.Enqueue(Heartbeat(epoch: 1));
        Assert.Equal(2, output.DroppedFrames); // a member that gets no entries hears no heartbeat either, and is seen to be stuck

        // It reads: every frame that was taken arrives whole, and the queue goes on by itself.
        var heard = new Recorder();
        Task<string?> reading = PeerReceiver.RunAsync(new PeerConnection(receiver), Self, heard, _ => { }, _ => { }, cancellationToken);
        while (heard.Appends < sent - 1) await Task.Delay(5, cancellationToken);
        output.Enqueue(Heartbeat(epoch: 2));
        output.Enqueue(append);
        output.Flush();
        while (heard.Appends < sent) await Task.Delay(5, cancellationToken);
        Assert.Equal([2UL], heard.Epochs);
        Assert.Equal(2, output.DroppedFrames);

        sender.Shutdown(SocketShutdown.Both);
        Assert.Null(await reading); // the end of the connection, and nothing wrong with what came
    }

    private static AppendRequest Append(int bytes) => new()
    {
        From = Self,
        To = Peer,
        Term = new Term(1),
        Previous = EntryId.Zero,
        Entries = new[] { new Entry(new LogIndex(1), new Term(1), EntryKind.Command, new byte[bytes]) },
        Commit = LogIndex.Zero,
        Sequence = 1,
    };

    private static HeartbeatRequest Heartbeat(ulong epoch) => new() { From = Self, To = Peer, Term = new Term(1), Commit = LogIndex.Zero, ReadEpoch = epoch };

    private sealed class Recorder : IPeerHandler
    {
        private volatile int _appends;

        public int Appends => _appends;

        public List<ulong> Epochs { get; } = [];

        public bool OnFrame(NodeId from, PeerFrameKind kind, ReadOnlyMemory<byte> body)
        {
            if (!MessageCodec.TryRead(body, out Message? message)) return false;
            if (message is HeartbeatRequest beat) Epochs.Add(beat.ReadEpoch);
            else if (message is AppendRequest) _appends++;
            return true;
        }

        public void OnFramesEnd(NodeId from)
        {
        }
    }
}
