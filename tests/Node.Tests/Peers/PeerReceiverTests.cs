using System.Net;
using System.Net.Sockets;
using Conclave.Node.Peers;
using Conclave.Raft;

namespace Conclave.Node.Tests.Peers;

public class PeerReceiverTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Good_frames_before_a_bad_one_are_still_acted_upon(bool isDamaged)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await sender.ConnectAsync(listener.LocalEndpoint, TestContext.Current.CancellationToken);
        using Socket receiver = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        byte[] bad = Frame(Recorder.Unreadable);
        if (isDamaged) bad[^1] ^= 1;
        await PeerLink.SendAllAsync(sender, (byte[])[.. Frame(1), .. bad], TestContext.Current.CancellationToken);
        var recorder = new Recorder();

        string? reason = await PeerReceiver.RunAsync(new PeerConnection(receiver), new NodeId(2), recorder, _ => { }, _ => { }, TestContext.Current.CancellationToken);

        Assert.Contains(isDamaged ? "damaged" : "could not be read", reason);
        Assert.Equal([1], recorder.ActedUpon);
    }

    private static byte[] Frame(byte content)
    {
        byte[] frame = new byte[PeerFrame.HeaderBytes + 1];
        frame[^1] = content;
        PeerFrame.Seal(frame, PeerFrameKind.Raft);
        return frame;
    }

    private sealed class Recorder : IPeerHandler
    {
        public const byte Unreadable = 99;

        private readonly List<byte> _waiting = [];

        public List<byte> ActedUpon { get; } = [];

        public bool OnFrame(NodeId from, PeerFrameKind kind, ReadOnlyMemory<byte> body)
        {
            if (body.Span[0] == Unreadable) return false;
            _waiting.Add(body.Span[0]);
            return true;
        }

        public void OnFramesEnd(NodeId from)
        {
            ActedUpon.AddRange(_waiting);
            _waiting.Clear();
        }
    }
}
