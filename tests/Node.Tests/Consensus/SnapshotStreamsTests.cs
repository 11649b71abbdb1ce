using System.Threading.Channels;
using Conclave.Node.Consensus;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Node.Tests.Nodes;
using Conclave.Raft;
using Conclave.Storage;

namespace Conclave.Node.Tests.Consensus;

public class SnapshotStreamsTests
{
    private static readonly NodeId Self = new(1), Stranger = new(7);

    [Fact]
    public async Task A_peer_can_be_sent_to_again_after_whatever_went_wrong()
    {
        var files = new SimulatedFileSystem(seed: 1);
        var snapshots = new SnapshotStore(files, "/data");
        using (SnapshotWriter writer = snapshots.Create(new SnapshotId(new EntryId(new LogIndex(5), new Term(1)), Membership.Of(Self)))) writer.Commit().Dispose();
        var logger = new TestOutputLogger("streams");
        var cluster = new ClusterIdentity(1, Self, [new ClusterMember(Self, "n1", [new Uri("http://127.0.0.1:1")])]);
        await using var peers = new PeerTransport(cluster, Guid.NewGuid(), KnownIncarnations.Open(files, "/data", cluster, [], logger), new NoPeers(), new NoPeers(), (_, _, _) => Task.CompletedTask, logger);
        var toCore = Channel.CreateUnbounded<RaftInput>();
        var streams = new SnapshotStreams(snapshots, peers, input => toCore.Writer.TryWrite(input), logger);

        for (int i = 0; i < 200; i++)
        {
            streams.Send(Stranger, term: 1);   // dialling somebody who is no member throws what no sender expects
            RaftInput report = await toCore.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            Assert.Equal((RaftInputKind.SnapshotSendFinished, Stranger, false), (report.Kind, report.Node, report.Succeeded));
        }

        await streams.StopAsync();
    }

    private sealed class NoPeers : IPeerHandler, IPeerLinkHandler
    {
        public bool OnFrame(NodeId from, PeerFrameKind kind, ReadOnlyMemory<byte> body) => false;

        public void OnFramesEnd(NodeId from)
        {
        }

        public void OnLink(NodeId peer, bool up)
        {
        }
    }
}
