using Conclave.Node.Peers;
using Conclave.Raft;

namespace Conclave.Node.Tests.Peers;

public class AcknowledgedPositionsTests
{
    private static readonly NodeId Second = new(2);

    [Fact]
    public void Committed_acknowledgements_count_from_the_second_look_on_and_never_fall()
    {
        var positions = new AcknowledgedPositions();
        positions.Observe([Peer(7)], new LogIndex(5));
        Assert.Equal(LogIndex.Zero, positions.Of(Second));
        positions.Observe([Peer(0)], new LogIndex(9));   // linked anew: to be proven again
        Assert.Equal(new LogIndex(5), positions.Of(Second));
        positions.Observe([Peer(8)], new LogIndex(9));
        Assert.Equal(new LogIndex(5), positions.Of(Second));
        positions.Observe([], new LogIndex(9));   // removed
        Assert.Equal(new LogIndex(8), positions.Of(Second));
        positions.Observe([], new LogIndex(9));
        Assert.Equal(LogIndex.Zero, positions.Of(Second));
    }

    private static PeerStatus Peer(ulong match) => new(Second, new LogIndex(match), new LogIndex(match + 1), ReplicationState.Replicate, true, false, 0, 0);
}
